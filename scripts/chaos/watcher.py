"""Scenarios of the healer itself: killed, frozen, doubled, cut off, without a disk, without Telegram, or asked too late."""

import asyncio
import json
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import psutil

from scripts.chaos.calm import OPERATOR, backup_pause
from scripts.chaos.cell import ROOT, Cell, listener, send
from scripts.chaos.households import PROBE_S, TIMEOUT_S, one, pair, pricing
from scripts.chaos.processes import signalled, slow_boot
from scripts.chaos.proxy import Link
from scripts.chaos.scenario import Scenario

WATCHER = "the watcher itself"
DISK_MIB = 8
MANY = ("pricing", "shop", "worker", "partner")
FAKETIME = next(iter(sorted(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))), None)
DEAF = {
    "TELEGRAM_BOT_TOKEN": "123456:" + "A" * 35,
    "TELEGRAM_CHAT_ID": "77",
    "TELEGRAM_API_URL": "http://127.0.0.1:9",
}


async def daemon(cell: Cell) -> int:
    return await asyncio.to_thread(listener, cell.ports["page"])


async def back(cell: Cell, other_than: int) -> None:
    """Until whoever runs the daemon has started it again."""
    async with asyncio.timeout(40.0):
        while (await daemon(cell)) in {0, other_than}:  # noqa: ASYNC110 - it happens in another process
            await asyncio.sleep(0.2)


async def lone_life(cell: Cell) -> str:
    """Nobody was started twice, and nobody was orphaned."""
    for role in cell.watched:
        folder = str(cell.folder / role)
        lives = [each for each in psutil.process_iter(["cwd", "cmdline"]) if each.info["cwd"] == folder]
        programs = [each for each in lives if any("examples" in word for word in each.info["cmdline"] or ())]
        if len(programs) != 1:
            return f"{len(programs)} processes of {role}"
    return ""


async def killed_mid_act(cell: Cell) -> None:
    before = await daemon(cell)
    await cell.signal("pricing")
    await asyncio.sleep(1.2)  # its successor boots by now
    send(before, signal.SIGKILL)
    await back(cell, before)


async def both_killed(cell: Cell) -> None:
    before = await daemon(cell)
    send(before, signal.SIGKILL)
    await cell.signal("pricing")
    await back(cell, before)
    cell.mendable_at = time.time()


async def only_daemon_killed(cell: Cell) -> None:
    before, pids = await daemon(cell), [await cell.pid(role) for role in cell.watched]
    send(before, signal.SIGKILL)
    await back(cell, before)
    await asyncio.sleep(8.0)
    if pids != [await cell.pid(role) for role in cell.watched]:
        raise RuntimeError("services that were well were replaced")


async def frozen_daemon(cell: Cell) -> None:
    pid = await daemon(cell)
    send(pid, signal.SIGSTOP)
    await asyncio.sleep(6.0)
    send(pid, signal.SIGCONT)
    await asyncio.sleep(8.0)


async def second_daemon(cell: Cell) -> None:
    """Somebody starts another one on the same folder; then a service is killed."""
    call = [
        sys.executable,
        "-m",
        "scripts.nightwarden",
        "run",
        "--config",
        str(cell.config),
        "--state",
        str(cell.state),
    ]
    process = await asyncio.create_subprocess_exec(*call, "--listen", "127.0.0.1:0", cwd=ROOT)
    code = await asyncio.wait_for(process.wait(), 40.0)
    if code != 2:
        raise RuntimeError(f"a second daemon on the same folder ended with {code}, not with 2")
    cell.mendable_at = time.time()
    await cell.signal("pricing")


async def full_state_disk(cell: Cell) -> None:
    """Nothing can be written any more where the daemon writes; then a service is killed."""
    room = Path(f"/proc/{await daemon(cell)}/root{cell.state}")

    def fill() -> None:
        try:
            with (room / "filler").open("wb") as file:
                file.write(b"\0" * (DISK_MIB << 20))
        except OSError:
            return

    await asyncio.to_thread(fill)
    await asyncio.sleep(2.0)
    await cell.signal("pricing")
    cell.mendable_at = time.time()
    await cell.steady(2.0, 30.0)
    await asyncio.to_thread((room / "filler").unlink)


async def no_fault_is_left(cell: Cell) -> None:
    """A fault is made on purpose through the daemon, which is killed before it can end it."""
    before = await daemon(cell)
    code, said = await cell.operator("fault", "freeze", cell.service("pricing"), "--for", "60")
    if code:
        raise RuntimeError(said)
    send(before, signal.SIGKILL)
    await back(cell, before)
    await asyncio.sleep(10.0)


async def asked_too_late(cell: Cell) -> None:
    """A question stands; what it is about passes by itself; somebody taps the old button."""
    await cell.signal("pricing", signal.SIGSTOP)
    incident = ""
    async with asyncio.timeout(30.0):
        while not incident:
            await asyncio.sleep(0.5)
            asked = [
                each
                for each in await asyncio.to_thread(_incidents, cell)
                if each["status"] == "waiting_approval"
            ]
            incident = asked[0]["id"] if asked else ""
    await cell.signal("pricing", signal.SIGCONT)
    await cell.steady(6.0, 20.0)
    code, said = await cell.operator("approve", incident)
    cell.told["answer"] = [code, said.strip()]
    cell.mendable_at = time.time()
    await asyncio.sleep(4.0)


def _incidents(cell: Cell) -> list[dict[str, Any]]:
    with urllib.request.urlopen(
        f"http://127.0.0.1:{cell.ports['page']}/observability/incidents", timeout=5.0
    ) as reply:
        return list(json.load(reply)["items"])


async def links(cell: Cell) -> None:
    for number, role in enumerate(MANY):
        cell.held[role] = link = Link(cell.ports[f"link{number}"], cell.ports[role])
        await link.open()


async def cut_off(cell: Cell) -> None:
    """The watcher's own network is gone: everything looks dead, and is not."""
    for link in cell.held.values():
        await link.make("silence")
    await asyncio.sleep(15.0)
    for link in cell.held.values():
        await link.make("")
    await asyncio.sleep(6.0)


async def nobody(cell: Cell) -> None:
    code, _ = await cell.operator("stop", "no-such-service")
    if not code:
        raise RuntimeError("a service that is not there was stopped")
    await asyncio.sleep(6.0)


async def clock_jumps(cell: Cell) -> None:
    for offset in ("+3h", "-26h", "+0"):
        await asyncio.to_thread((cell.folder.parent / "clock").write_text, offset)
        await asyncio.sleep(6.0)


async def reload(cell: Cell) -> None:
    """An operator changes what has nothing to do with any service."""
    document = json.loads(await asyncio.to_thread(cell.config.read_text))
    document["notify"] = {"digest_at": "08:00"}
    fresh = cell.config.with_name("fresh.json")
    await asyncio.to_thread(fresh.write_text, json.dumps(document))
    fresh.replace(cell.config)
    await asyncio.sleep(10.0)


# --- households ---


def asking(cell: Cell) -> list[dict[str, Any]]:
    return [pricing(cell, autonomy="suggest")]


def behind_links(cell: Cell) -> list[dict[str, Any]]:
    services = [pricing(cell, role) for role in MANY]
    for number, service in enumerate(services):
        url = cell.url(f"link{number}", "/health")
        service["probe"] = {"type": "http", "url": url, "interval_s": PROBE_S, "timeout_s": TIMEOUT_S}
    return services


def empty(_cell: Cell) -> list[dict[str, Any]]:
    return []


def own_disk(state: Path) -> list[str]:
    state.mkdir(parents=True, exist_ok=True)
    mount = f'mount -t tmpfs -o size={DISK_MIB}m tmpfs "{state}" && exec "$@"'
    return ["unshare", "-Urm", "sh", "-c", mount, "sh"]


def no_namespaces() -> str:
    if (unshare := shutil.which("unshare")) is None:
        return "unshare is not installed"
    done = subprocess.run(
        [unshare, "-Urm", "mount", "-t", "tmpfs", "tmpfs", "/mnt"], capture_output=True, check=False
    )
    return "" if done.returncode == 0 else "this kernel lets nobody but root have a small disk of his own"


def no_faketime() -> str:
    return "" if FAKETIME else "libfaketime is not installed"


def faked(state: Path) -> list[str]:
    clock = state.parent / "clock"
    clock.write_text("+0")
    told = {"LD_PRELOAD": str(FAKETIME), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1"}  # fmt: skip
    return ["env", *(f"{name}={value}" for name, value in told.items())]


def scenarios() -> list[Scenario]:
    crash: dict[str, Any] = {
        "family": WATCHER,
        "culprit": "pricing",
        "causes": ("crash",),
        "lone": True,
        "check": lone_life,
    }
    calm: dict[str, Any] = {"family": WATCHER, "lone": True, "check": lone_life}
    return [
        Scenario(name="daemon-killed-mid-act", fault="SIGKILL of a service, and of the daemon while it starts it again",
                 build=slow_boot, do=killed_mid_act, regression="crash in the middle of an act", most_acts=1, **crash),
        Scenario(name="daemon-and-service-killed", fault="SIGKILL of the daemon and of a service", build=one, do=both_killed,
                 **crash),
        Scenario(name="second-daemon", fault="a second daemon is started, then a service is killed", build=one,
                 do=second_daemon, regression="lost mutual exclusion", most_acts=1, **crash),
        Scenario(name="no-disk-for-the-journal", fault="the disk of the state folder is full, then a service is killed",
                 build=one, do=full_state_disk, within=own_disk, lacks=no_namespaces, regression="disk full on the audit log",
                 **crash),
        Scenario(name="telegram-away", fault="nobody answers where Telegram is, and a service is killed", build=one,
                 do=signalled("pricing"), environ=DEAF, regression="Telegram down during an incident", **crash),
        Scenario(name="approved-too-late", family=WATCHER, fault="a freeze that passes; its question is answered afterwards",
                 build=asking, do=asked_too_late, culprit="pricing", causes=("hang",), mitigable=False, spared=("pricing",),
                 lone=True, regression="stale approval tapped"),
        Scenario(name="daemon-killed", fault="the daemon is killed, services are well", build=pair, do=only_daemon_killed, **calm),
        Scenario(name="daemon-frozen", fault="the daemon is frozen for six seconds", build=pair, do=frozen_daemon, **calm),
        Scenario(name="fault-left-behind", fault="the daemon is killed while a fault of its own is in", build=one,
                 do=no_fault_is_left, environ={"CHAOS_ENABLED": "true"}, regression="a fault left after a kill", **calm),
        Scenario(name="all-look-sick", fault="the watcher's own network is cut", build=behind_links, prepare=links, do=cut_off,
                 regression="all look sick at once", **calm),
        Scenario(name="nobody-to-watch", fault="no service is configured", build=empty, do=nobody,
                 regression="an empty set of targets", **calm),
        Scenario(name="clock-jumps", fault="the wall clock jumps by hours, forth and back", build=pair, do=clock_jumps,
                 within=faked, lacks=no_faketime, **calm),
        Scenario(name="paused-for-backup", fault="paused by an operator, frozen for a backup", build=one, do=backup_pause,
                 regression="paused for a backup", **(calm | {"family": OPERATOR})),
        Scenario(name="unrelated-reload", fault="a change of the configuration that touches no service", build=pair, do=reload,
                 **(calm | {"family": OPERATOR})),
    ]  # fmt: skip
