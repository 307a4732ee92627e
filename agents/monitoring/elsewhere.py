"""What others change where a service runs: its release, how it is set up, whether pushes are deployed."""

from collections.abc import Collection, Mapping
from typing import Any, Final

from agents.events import ChangeObserved

SETTING: Final = "on its platform"  # what a change of such a kind is told to have been made
DEPLOY, AUTO_DEPLOY = "deploy", "auto_deploy"


class Settings:
    """By service and kind, as last seen: first sight is no news."""

    def __init__(self) -> None:
        self._known: dict[str, dict[str, str]] = {}

    def open(self, releases: Mapping[str, str], told: Mapping[str, str]) -> None:
        """As earlier lives of ours knew them; the keys of `told` end in the kind."""
        self._known = {name: {DEPLOY: release} for name, release in releases.items()}
        for key, value in told.items():
            name, _, kind = key.rpartition(":")
            self._known.setdefault(name, {})[kind] = value

    def keep(self, names: Collection[str]) -> None:
        self._known = {name: kinds for name, kinds in self._known.items() if name in names}

    def changes(self, service: str, now: Mapping[str, str], *, acted_on: bool) -> list[ChangeObserved]:
        """What is news. The release that an act of ours put there is none, that it turned auto-deploy off is."""
        known, told = self._known.setdefault(service, {}), []
        for kind, after in now.items():
            before = known.get(kind)
            known[kind] = after
            ours = acted_on and kind != AUTO_DEPLOY
            if after and before is not None and after != before and not ours:
                change: Any = {"kind": kind, "what": SETTING, "before": before, "after": after}
                told.append(ChangeObserved(service=service, **change))
        return told
