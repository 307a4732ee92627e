"""The command line. Each command imports what it needs only when it is chosen."""

import argparse
import io
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from scripts import help_texts

DEFAULT_CONFIG = Path("config/self_healing_config.json")
CLIENT_COMMANDS = {
    "status": "Health of every service and what is going on.",
    "incidents": "All incidents, newest first.",
    "maintenance": "Maintenance ahead of failures, planned and past.",
    "explain": "Why an act was or was not taken in an incident.",
    "approve": "Agree to the act that an incident asks for.",
    "deny": "Say no to it, for this incident.",
    "snooze": "Be asked again later.",
    "undo": "Take the newest act of an incident back.",
    "veto": "Say no to a plan of maintenance.",
    "pause": "Stop acting; watching goes on.",
    "resume": "Act again.",
    "stop": "Stop a service; it stays stopped, over a restart of the daemon too.",
    "start": "Start a service that was stopped.",
    "fault": "Make a fault on purpose (needs CHAOS_ENABLED=true).",
    "faults": "Which faults are in on purpose, and which there are to choose from.",
    "unfault": "Undo a fault now, or all of them, and see that nothing is left.",
}


def default_listen() -> str:
    """Local on a machine of one's own; on Render what its proxy expects."""
    port = os.environ.get("PORT", "")
    return f"0.0.0.0:{port}" if os.environ.get("RENDER") and port else "127.0.0.1:8080"


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="nightwarden",
        description="Watches services, finds out why they fail, heals them and checks that it helped.",
        epilog=help_texts.TOP,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True)

    def add(name: str, run: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        shown = "\n".join(f"  nightwarden {line}" for line in help_texts.OF[name])
        sub = commands.add_parser(
            name,
            help=text,
            description=text,
            epilog=f"examples:\n{shown}\n",
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        sub.set_defaults(run=run)
        return sub

    _daemon_commands(add)
    _client_commands(add)
    return top


def _daemon_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    run = add("run", _run, "Watch and heal, until Ctrl-C or SIGTERM. SIGHUP or a changed file reloads.")
    _daemon_options(run, "state", default_listen())
    run.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    demo = add("demo", _demo, "Break the example fleet in eight ways, heal it, print the table.")
    demo.add_argument("--report", type=Path, metavar="FILE.json", help="save the table as JSON too")
    demo.add_argument("--keep", action="store_true", help="keep the working folder with all logs")
    far = add("dashboard", _dashboard, "The page and endpoints alone, fed by a daemon elsewhere.")
    far.add_argument(
        "--listen",
        default=default_listen(),
        metavar="HOST:PORT",
        help="where the page is, default: %(default)s",
    )
    check = add("check", _check, "Validate a configuration; every problem with its JSON path.")
    check.add_argument(
        "file", type=Path, nargs="?", default=DEFAULT_CONFIG, metavar="FILE", help="default: %(default)s"
    )
    chaos = add("chaos", _chaos, "Run an experiment (Chaos Toolkit's format) against the running daemon.")
    chaos.add_argument("experiment", type=Path, metavar="EXPERIMENT.json")
    chaos.add_argument("--check", action="store_true", help="only say whether it is valid")
    chaos.add_argument(
        "--journal", type=Path, metavar="FILE.json", help="save what happened, as Chaos Toolkit does"
    )
    chaos.add_argument(
        "--state", type=Path, default=Path("state"), metavar="DIR",
        help="the daemon's state folder, default: %(default)s",
    )  # fmt: skip
    agent = add(
        "agent", _agent, "Run one agent beside the service monitor, in dry run, on a state folder of its own."
    )
    agent.add_argument(
        "name", metavar="NAME", help="a file of agents/; a wrong name is answered with all of them"
    )
    _daemon_options(agent, "state/alone/NAME", "a free port of the loopback")


def _daemon_options(sub: argparse.ArgumentParser, state: str, listen: str) -> None:
    sub.add_argument(
        "--config", type=Path, default=DEFAULT_CONFIG, metavar="FILE", help="default: %(default)s"
    )
    sub.add_argument(
        "--state", type=Path, default=None, metavar="DIR", help=f"state folder, default: {state}"
    )
    sub.add_argument(
        "--listen", default=None, metavar="HOST:PORT", help=f"where the page is, default: {listen}"
    )


def _client_commands(add: Callable[..., argparse.ArgumentParser]) -> None:
    for name, text in CLIENT_COMMANDS.items():
        sub = add(name, _client, text)
        sub.add_argument(
            "--state",
            type=Path,
            default=Path("state"),
            metavar="DIR",
            help="the daemon's state folder, default: %(default)s",
        )
        if name in {"stop", "start"}:
            sub.add_argument("service", metavar="SERVICE", help="its name in the configuration")
        elif name == "explain":
            sub.add_argument("incident", metavar="ID", help="the beginning of an id is enough")
        elif name in {"approve", "deny", "snooze", "undo", "veto"}:
            _word_options(sub, name)
        elif name == "incidents":
            sub.add_argument("--status", default="", choices=help_texts.STATUSES, help="only these")
        elif name == "fault":
            _fault_options(sub)
        elif name == "unfault":
            sub.add_argument("service", metavar="SERVICE", nargs="?", default="", help="default: every fault")


def _word_options(sub: argparse.ArgumentParser, name: str) -> None:
    sub.add_argument(
        "about", metavar="ID", help="of the question or its incident; the beginning of an id is enough"
    )
    if name == "approve":
        sub.add_argument(
            "--type", dest="typed", default="", metavar="WORD", help="what the question wants typed"
        )
    if name == "snooze":
        sub.add_argument(
            "--for", dest="for_s", type=float, default=1800.0, metavar="SECONDS", help="default: %(default)g"
        )


def _fault_options(sub: argparse.ArgumentParser) -> None:
    from platforms.chaos.names import FAULTS

    sub.add_argument("fault", metavar="FAULT", choices=FAULTS, help=f"one of {', '.join(FAULTS)}")
    sub.add_argument("service", metavar="SERVICE", help="its name in the configuration")
    sub.add_argument(
        "--set",
        dest="options",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="an option of the fault, as often as needed; docs/chaos.md names them",
    )
    sub.add_argument(
        "--for",
        dest="for_s",
        type=float,
        default=30.0,
        metavar="SECONDS",
        help="then it is undone; at most 600, default: %(default)g",
    )


def _run(args: argparse.Namespace) -> int:
    from scripts.run import main

    return main(
        args.config, args.state or Path("state"), args.listen or default_listen(), dry_run=args.dry_run
    )


def _agent(args: argparse.Namespace) -> int:
    from scripts.run import main
    from scripts.team import MAKERS

    if args.name not in MAKERS:
        print(
            f"agent {args.name}: there is no such agent; there are: {', '.join(sorted(MAKERS))}",
            file=sys.stderr,
        )
        return 2
    state = args.state or Path("state") / "alone" / args.name
    return main(args.config, state, args.listen or "127.0.0.1:0", dry_run=True, only=args.name)


def _dashboard(args: argparse.Namespace) -> int:
    from scripts.dashboard import main

    return main(args.listen)


def _demo(args: argparse.Namespace) -> int:
    from scripts.demo import main

    return main(report=args.report, keep=args.keep)


def _chaos(args: argparse.Namespace) -> int:
    from scripts.experiments.command import main

    return main(args.experiment, args.state, args.journal, check=args.check)


def _check(args: argparse.Namespace) -> int:
    from scripts.check import main

    return main(args.file)


def _client(args: argparse.Namespace) -> int:
    from scripts.client import main

    return main(args)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit codes: 0 well, 1 failed, 2 bad input, 130 interrupted."""
    if isinstance(sys.stdout, io.TextIOWrapper):  # what this terminal cannot show must not cost the line
        sys.stdout.reconfigure(errors="backslashreplace")
    args = parser().parse_args(argv)
    try:
        code: int = args.run(args)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:  # `nightwarden incidents | head`
        sys.stderr.close()
        return 0
    return code


if __name__ == "__main__":
    sys.exit(main())
