"""Our own log: one JSON object a line for machines, aligned text for a terminal, never a secret.

    configure(level="INFO", secrets=secret_values(os.environ))
    log = get_logger("act_gate")
    log.warning("fix refused", incident=incident, service="shop", event_id=event.id)

Fields that stay are bound by the caller: `log.bind(incident=..., service=...)`.
"""

import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import msgspec

from utils.redact import Redactor

if TYPE_CHECKING:
    from structlog.typing import FilteringBoundLogger

_Event = MutableMapping[str, Any]
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")  # untrusted text must not steer a terminal


def configure(
    level: str = "INFO",
    *,
    file: Path | None = None,
    stream: IO[str] | None = None,
    secrets: Iterable[str] = (),
) -> "Sink":
    """Send everything, the standard library's loggers too, to `file`, else `stream`, else stderr."""
    with _without_rich():
        import structlog  # here, so that who logs nothing pays nothing
    out = file.open("a", encoding="utf-8") if file else stream or sys.stderr
    terminal = not file and out.isatty()
    sink = Sink(out, Redactor(secrets))
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            partial(_hide_fields, sink.redactor),
            *(
                [_printable, _for_terminal()]
                if terminal
                else [structlog.processors.EventRenamer("message"), _as_json]
            ),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level)),
        logger_factory=lambda *_: sink,
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=level, handlers=[_Bridge(get_logger())], force=True)
    return sink


def get_logger(name: str = "") -> "FilteringBoundLogger":
    """A logger that follows the configuration in force when a line is written."""
    with _without_rich():
        import structlog
    log: FilteringBoundLogger = structlog.get_logger(**({"source": name} if name else {}))
    return log


class Sink:
    """Where lines go. A log that cannot be written is counted and harms nobody."""

    def __init__(self, out: IO[str], redactor: Redactor) -> None:
        self.out = out
        self.redactor = redactor
        self.lost_lines = 0

    def write(self, line: str) -> None:
        try:
            self.out.write(self.redactor(line) + "\n")
            self.out.flush()
        except (OSError, ValueError):  # disk full, broken pipe, closed stream
            self.lost_lines += 1

    debug = info = warning = error = critical = exception = msg = log = write


class _Bridge(logging.Handler):
    """Brings the standard library's records here."""

    def __init__(self, log: "FilteringBoundLogger") -> None:
        super().__init__()
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        exc_info = {"exc_info": record.exc_info} if record.exc_info else {}
        self._log.log(record.levelno, record.getMessage(), source=record.name, **exc_info)


def _hide_fields(redactor: Redactor, _log: Any, _method: str, event: _Event) -> _Event:
    return redactor.fields(event)


def _as_json(_log: Any, _method: str, event: _Event) -> str:
    return msgspec.json.encode(event, enc_hook=repr).decode()


def _printable(_log: Any, _method: str, event: _Event) -> _Event:
    return {
        key: _CONTROLS.sub("?", value) if isinstance(value, str) else value for key, value in event.items()
    }


def _for_terminal() -> Callable[..., Any]:
    from structlog.dev import ConsoleRenderer, plain_traceback

    return ConsoleRenderer(colors=True, exception_formatter=plain_traceback)


@contextmanager
def _without_rich() -> Iterator[None]:
    """structlog imports rich only to draw tracebacks; that is 40 ms of processor time at every start and 5 MB."""
    absent = "structlog" not in sys.modules and "rich" not in sys.modules
    if absent:
        sys.modules["rich"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        if absent:
            del sys.modules["rich"]
