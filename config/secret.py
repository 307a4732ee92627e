"""Secrets: which variables hold them, and a wrapper that never shows its text."""

from collections.abc import Mapping
from typing import Any

# What children never inherit and logs never show; addresses stand here that are keys themselves.
SECRET_NAMES = frozenset({
    "ALERTMANAGER_WEBHOOK_SECRET", "ANTHROPIC_API_KEY", "DATABASE_URL", "HEARTBEAT_URL", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN",
    "NIGHTWARDEN_BUS", "NIGHTWARDEN_DATABASE_URL", "NIGHTWARDEN_TOKEN", "NOTIFY_EMAIL_URL", "NOTIFY_WEBHOOK_SECRET", "NOTIFY_WEBHOOK_URL",
    "OPENAI_API_KEY", "OTEL_EXPORTER_OTLP_HEADERS", "RENDER_API_KEY", "RENDER_WEBHOOK_SECRET",
    "TELEGRAM_BOT_TOKEN",
})  # fmt: skip


class Secret:
    """Text that shows itself only to who asks by name.

    >>> Secret("hunter2")
    Secret(set)
    """

    __slots__ = ("_text",)

    def __init__(self, text: str = "") -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __repr__(self) -> str:
        return "Secret(set)" if self._text else "Secret(unset)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> Any:
        raise TypeError("a secret is never written anywhere")


def without_secrets(environ: Mapping[str, str]) -> dict[str, str]:
    """What a child may inherit."""
    return {name: value for name, value in environ.items() if name not in SECRET_NAMES}


def secret_values(environ: Mapping[str, str]) -> tuple[str, ...]:
    """What no log line may show."""
    return tuple(value for name in sorted(SECRET_NAMES) if (value := environ.get(name, "").strip()))
