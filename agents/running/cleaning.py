"""Takes secrets out of every fact before it is recorded: what services print, answer and name is untrusted text."""

from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import force_setattr

from agents.events import Event
from config.model import Config, ExecPlatform, ProcessPlatform
from config.secret import secret_values
from utils.redact import Redactor, is_secret_name

TEXTS = frozenset(
    {
        "about",
        "alert",
        "answer",
        "detail",
        "error",
        "message",
        "output",
        "problem",
        "reason",
        "summary",
        "text",
        "undo",
        "what",
        "why",
    }
)


class Cleaner:
    """Called with facts that are stamped and not yet recorded. Knows the secrets of the daemon and those that the
    configuration gives to services; both are looked up anew when the configuration changes."""

    def __init__(self, config: Callable[[], Config], environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ
        self._made_for: Config | None = None
        self._redact = Redactor()
        self._fields: dict[type, tuple[str, ...]] = {}

    def __call__(self, facts: Sequence[Event]) -> None:
        config = self._config()
        if config is not self._made_for:
            self._redact, self._made_for = Redactor(self._secrets(config)), config
        for fact in facts:
            kind = type(fact)
            fields = self._fields.get(kind)
            if fields is None:
                fields = self._fields[kind] = tuple(name for name in kind.__struct_fields__ if name in TEXTS)
            for name in fields:
                self._clean(fact, name)

    def _clean(self, fact: Event, name: str) -> None:
        text = getattr(fact, name)
        if text and isinstance(text, str) and (clean := self._redact(text)) != text:
            force_setattr(fact, name, clean)

    def _secrets(self, config: Config) -> list[str]:
        found = list(secret_values(self._environ))
        for service in config.services:
            if isinstance(service.platform, ProcessPlatform | ExecPlatform):
                found += [value for name, value in service.platform.env.items() if is_secret_name(name)]
        return found
