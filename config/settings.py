"""Settings from the environment: typed, all problems at once, secrets that never show."""

import base64
import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from msgspec import Struct

from config.mailbox import mailbox_problem
from config.problems import ConfigError, nearest
from config.quantities import SHORTEST_INTERVAL_S
from config.rules import url_problem
from config.secret import SECRET_NAMES, Secret

LogLevel = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
MIN_KEY = 16  # bytes; shorter ones can be guessed
_YES, _NO = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class Settings(Struct, frozen=True, kw_only=True):
    """The environment variables of the same names in capitals. Empty means not set."""

    render_mode: bool = False  # watch what is found on Render
    render_api_key: Secret = Secret()
    render_webhook_secret: Secret = Secret()
    alertmanager_webhook_secret: Secret = Secret()
    render_api_url: str = "https://api.render.com/v1"
    telegram_bot_token: Secret = Secret()
    telegram_chat_id: tuple[int, ...] = ()
    telegram_api_url: str = "https://api.telegram.org"
    notify_webhook_url: Secret = Secret()
    notify_webhook_secret: Secret = Secret()
    notify_email_url: Secret = Secret()  # smtp[s]://[USER:PASSWORD@]HOST[:PORT]/?to=...&from=...
    anthropic_api_key: Secret = Secret()
    openai_api_key: Secret = Secret()
    nightwarden_token: Secret = Secret()
    nightwarden_dashboard_url: str = ""  # of a page elsewhere, for a daemon that nobody can reach
    nightwarden_bus: Secret = Secret()  # mqtt://[USER:PASSWORD@]HOST[:PORT]
    nightwarden_database_url: Secret = Secret()
    heartbeat_url: Secret = Secret()
    log_level: LogLevel = "INFO"
    chaos_enabled: bool = False
    chaos_in_production: bool = False
    self_healing_interval: float = 60.0  # seconds, as the next four
    prevention_interval: float = 300.0
    ml_retrain_interval: float = 3600.0
    mlflow_tracking_uri: str = ""
    otel_exporter_otlp_endpoint: str = ""  # the library reads what else begins with OTEL_
    monitoring_interval: float = 300.0
    monitoring_lookback: float = 24.0  # hours
    min_f1_improvement_pct: float = 2.0
    max_brier_degradation: float = 0.01
    min_samples_for_decision: int = 200


def _positive(text: str) -> float:
    number = float(text)
    if not (math.isfinite(number) and number > 0):
        raise ValueError
    return number


def _pace(text: str) -> float:
    if (seconds := _positive(text)) < SHORTEST_INTERVAL_S:
        raise ValueError
    return seconds


def _not_negative(text: str) -> float:
    return 0.0 if float(text) == 0 else _positive(text)


def _count(text: str) -> int:
    return int(_positive(str(int(text))))


def _yes_or_no(text: str) -> bool:
    if text.lower() not in _YES + _NO:
        raise ValueError
    return text.lower() in _YES


def _level(text: str) -> str:
    if text.upper() not in _LEVELS:
        raise ValueError(f"one of {', '.join(_LEVELS)}{nearest(text.upper(), _LEVELS)}")
    return text.upper()


def _url(*schemes: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if url_problem(text, schemes):
            raise ValueError(
                f"an address that starts with {' or '.join(f'{scheme}://' for scheme in schemes)}"
            )
        return text

    return read


def _address(text: str) -> str:
    """Platforms give HOST:PORT for what stands in a private network.

    >>> _address("nightwarden-dashboard:8080")
    'http://nightwarden-dashboard:8080'
    """
    return _url("https", "http")(text if "://" in text else f"http://{text}")


def _chats(text: str) -> tuple[int, ...]:
    """
    >>> _chats("12345, -1001234567890")
    (12345, -1001234567890)
    """
    chats = tuple(int(part) for part in re.split(r"[,\s]+", text.strip(", ")))
    if 0 in chats:
        raise ValueError
    return chats


def _mailbox(text: str) -> str:
    if problem := mailbox_problem(text):
        raise ValueError(problem)
    return text


def _signing_secret(text: str) -> str:
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if len(key) < MIN_KEY:
        raise ValueError("the secret that Render shows with the webhook, whsec_ and base64")
    return text


def _secret(read: Callable[[str], str] = str) -> Callable[[str], Secret]:
    return lambda text: Secret(read(text))


_READERS: dict[str, tuple[Callable[[str], Any], str]] = {
    "render_mode": (_yes_or_no, "true or false"),
    "render_api_key": (_secret(), ""),
    "render_webhook_secret": (_secret(_signing_secret), ""),
    "alertmanager_webhook_secret": (_secret(), ""),
    "render_api_url": (_url("https", "http"), ""),
    "telegram_bot_token": (_secret(), ""),
    "telegram_chat_id": (_chats, 'whole numbers with commas between them, as in "12345, -1001234567890"'),
    "telegram_api_url": (_url("https", "http"), ""),
    "notify_webhook_url": (_secret(_url("https", "http")), ""),
    "notify_webhook_secret": (_secret(), ""),
    "notify_email_url": (_secret(_mailbox), ""),
    "anthropic_api_key": (_secret(), ""),
    "openai_api_key": (_secret(), ""),
    "nightwarden_token": (_secret(), ""),
    "nightwarden_dashboard_url": (_address, ""),
    "nightwarden_bus": (_secret(_url("mqtt", "mqtts")), ""),
    "nightwarden_database_url": (_secret(_url("postgresql", "postgres")), ""),
    "heartbeat_url": (_secret(_url("https", "http")), ""),
    "log_level": (_level, ""),
    "chaos_enabled": (_yes_or_no, "true or false"),
    "chaos_in_production": (_yes_or_no, "true or false"),
    "self_healing_interval": (_pace, "a number of seconds, at least 0.01"),
    "prevention_interval": (_positive, "a positive number of seconds"),
    "ml_retrain_interval": (_positive, "a positive number of seconds"),
    "mlflow_tracking_uri": (str, ""),
    "otel_exporter_otlp_endpoint": (_url("https", "http"), ""),
    "monitoring_interval": (_positive, "a positive number of seconds"),
    "monitoring_lookback": (_positive, "a positive number of hours"),
    "min_f1_improvement_pct": (_not_negative, "a number, 0 or more"),
    "max_brier_degradation": (_not_negative, "a number, 0 or more"),
    "min_samples_for_decision": (_count, "a positive whole number"),
}


def load_settings(environ: Mapping[str, str]) -> Settings:
    """The settings, or ConfigError with everything that is wrong with them."""
    values: dict[str, Any] = {}
    problems: list[str] = []
    for field in _READERS:
        try:
            values.update(_read(field, environ))
        except ConfigError as error:
            problems += error.problems
    if "telegram_bot_token" in values and not values.get("telegram_chat_id") and not problems:
        problems.append(
            "environment: TELEGRAM_CHAT_ID: must be set where TELEGRAM_BOT_TOKEN is: the number of the chat to tell"
        )
    if "nightwarden_dashboard_url" in values and "nightwarden_token" not in values and not problems:
        problems.append(
            "environment: NIGHTWARDEN_TOKEN: must be set where NIGHTWARDEN_DASHBOARD_URL is, the same there"
        )
    if values.get("render_mode") and not values.get("render_api_key"):
        problems.append("environment: RENDER_API_KEY: must be set where RENDER_MODE is true")
    if problems:
        raise ConfigError(problems)
    return Settings(**values)


def probe_interval_s(environ: Mapping[str, str]) -> float:
    """SELF_HEALING_INTERVAL: for probes that name no interval."""
    values = _read("self_healing_interval", environ)
    return float(values.get("self_healing_interval", Settings().self_healing_interval))


def _read(field: str, environ: Mapping[str, str]) -> dict[str, Any]:
    """The field and its value, or nothing where the variable is not set."""
    name = field.upper()
    text = environ.get(name, "").strip()
    if not text:
        return {}
    reader, wanted = _READERS[field]
    try:
        return {field: reader(text)}
    except ValueError as error:
        found = "the value that is set" if name in SECRET_NAMES else repr(text)
        raise ConfigError([f"environment: {name}: must be {wanted or error}, not {found}"]) from None
