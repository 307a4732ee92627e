"""Whether faults may be made on purpose: one switch for it, and a second one where people depend on what is watched."""

from collections.abc import Mapping

from config.model import Config
from config.settings import Settings


def why_no_chaos(settings: Settings, config: Config, environ: Mapping[str, str]) -> str:
    """Why no fault may be made; empty: it may.

    >>> why_no_chaos(Settings(chaos_enabled=True), Config(production=True), {})
    'this is production ("production": true): faults are only made where CHAOS_IN_PRODUCTION=true is set as well'
    """
    if not settings.chaos_enabled:
        return "faults are only made where CHAOS_ENABLED=true is set for the daemon"
    why = _production(settings, config, environ)
    if why and not settings.chaos_in_production:
        return (
            f"this is production ({why}): faults are only made where CHAOS_IN_PRODUCTION=true is set as well"
        )
    return ""


def _production(settings: Settings, config: Config, environ: Mapping[str, str]) -> str:
    """By what it is known."""
    if config.production:
        return '"production": true'
    if settings.render_mode:
        return "RENDER_MODE=true"
    return "RENDER is set" if environ.get("RENDER") else ""
