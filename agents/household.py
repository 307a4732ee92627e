"""The part of the vocabulary that is about the daemon itself; everybody imports it from agents.events."""

from typing import Literal

from utils.event import Fact

CommandName = Literal[
    "stop", "start", "pause", "resume", "shutdown", "approve", "deny", "snooze", "undo", "silence", "veto"
]


# --- run: emitted by "operator" (the command line, the API, the composition root)
class ConfigChanged(Fact, frozen=True, kw_only=True):
    """A configuration came into force. At every start too, then `why` is "start"."""

    digest: str
    services: tuple[str, ...] = ()
    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    why: Literal["start", "reload", "refused"] = "start"
    problem: str = ""  # only when a new file was refused


class OperatorCommanded(Fact, frozen=True, kw_only=True):
    """A person (or the daemon's own shutdown) asked for something. `service` is empty for the whole daemon."""

    command: CommandName  # stop, start, pause, resume, silence, shutdown; approve, deny, snooze, undo; veto
    by: str = ""
    about: str = (
        ""  # id of a question or its incident; for undo of an act or its incident; for veto of a plan
    )
    typed: str = ""  # what a person typed to confirm
    for_s: float = 0.0  # of snooze; 0: the usual time. Of silence; 0: it ends


class AlertReceived(Fact, frozen=True, kw_only=True):
    """A monitoring system elsewhere says that something is wrong, or over. `service` is empty where it names none of ours."""

    source: Literal["alertmanager", "render"]
    alert: str  # its name: untrusted text, as the next two
    summary: str = ""
    about: str = ""  # what the sender calls the thing
    key: str  # the same for the beginning and the end of one trouble
    firing: bool
    delivery: str = ""  # id of a signed message, which counts once


# --- data_recovery
class BackupProven(Fact, frozen=True, kw_only=True):
    """A backup was restored into a scratch place and looked at there. `ok` false: it is worth nothing."""

    target: str  # the path of a file, or "database"
    ok: bool
    backup: str = ""
    seconds: float = 0.0
    size_bytes: int = 0
    rows: int = 0  # of all tables, where it has any
    problem: str = ""


# --- infrastructure_recovery
class FreezeNoted(Fact, frozen=True, kw_only=True):
    """An act of ours turned a service's auto-deploy off. People are reminded daily to turn it on again."""

    act: str


class FreezeEnded(Fact, frozen=True, kw_only=True):
    """Auto-deploy of such a service is on again."""


# --- notifier
class MessagePosted(Fact, frozen=True, kw_only=True):
    """A message stands where people read it; from then on it is edited in place. `key` says what it is about."""

    key: str
    channel: Literal["telegram", "webhook", "email", "page"]
    chat: int = 0
    message: int = 0
    text: str = ""  # where nothing else keeps it: of a digest


# --- the runner
class EventQuarantined(Fact, frozen=True, kw_only=True):
    """An agent failed on an event as often as it may, or the event was lost; this is that agent's record for it."""

    agent: str
    event: str
    error: str
    kind: str = ""  # of the event


class LeaseChanged(Fact, frozen=True, kw_only=True):
    """Whether this daemon is the one that acts, where several share a database."""

    held: bool
    token: int = 0  # rises with every holder
    why: str = ""
    taken: bool = False  # another daemon holds it: it was heard, and not merely feared


class SelfTested(Fact, frozen=True, kw_only=True):
    """A synthetic incident ended: from a symptom made on purpose to a verdict, or as far as it came."""

    ok: bool
    seconds: float
    step: str = ""  # where it got stuck, or who held it back


class StorageChanged(Fact, frozen=True, kw_only=True):
    """The state folder cannot be written (`ok` false), or can again."""

    ok: bool
    problem: str = ""


class DamageFound(Fact, frozen=True, kw_only=True):
    """A file of ours was damaged: kept aside, and replaced from `restored_from`."""

    path: str
    problem: str
    restored_from: str = ""
