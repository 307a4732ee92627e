"""The limit of every restart: `await process.wait()`, then start the command again. usage: bare.py COMMAND ..."""

import asyncio
import signal
import sys


async def main() -> None:
    loop = asyncio.get_running_loop()
    if sys.version_info < (3, 12):  # later versions watch pidfds by themselves; older ones start a thread
        watcher = asyncio.PidfdChildWatcher()
        watcher.attach_loop(loop)
        asyncio.set_child_watcher(watcher)
    over = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, over.set)
    stop = asyncio.ensure_future(over.wait())
    while True:
        process = await asyncio.create_subprocess_exec(*sys.argv[1:])
        ended = asyncio.ensure_future(process.wait())
        await asyncio.wait({stop, ended}, return_when=asyncio.FIRST_COMPLETED)
        if stop.done():
            process.kill()
            await ended
            return


if __name__ == "__main__":
    asyncio.run(main())
