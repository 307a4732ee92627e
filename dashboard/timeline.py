"""Each fact as one line for people and one object for the live stream."""

from collections.abc import Callable
from typing import Any

import msgspec

from agents import events as e
from agents.incident.story import plain, sentence
from utils.event import Fact


def as_item(fact: Fact, rfc3339: Callable[[float], str]) -> dict[str, Any]:
    """`id`, `type`, `at`, `service`, `incident`, `text`, then the fact's own fields."""
    fields = msgspec.to_builtins(fact)
    own = {key: value for key, value in fields.items() if key not in _STAMPED}
    return {
        "id": fact.id,
        "type": type(fact).__name__,
        "at": rfc3339(fact.at),
        "service": fact.service,
        "incident": fact.incident,
        "cause": fact.cause,
        "text": describe(fact),
        "fact": own,
    }


_STAMPED = {"id", "type", "at", "service", "incident", "cause"}


def describe(fact: Fact) -> str:
    """One sentence, the same as in the incident's own story."""
    own = _SENTENCES.get(type(fact))
    return plain(own(fact)) if own else sentence(fact)


def _because(reason: str) -> str:
    return f": {reason}" if reason else ""


def _config(fact: e.ConfigChanged) -> str:
    if fact.why == "refused":
        return f"a new configuration was refused{_because(fact.problem)}"
    count = len(fact.services)
    return f"configuration in force, {count} service{'' if count == 1 else 's'}"


def _damage(fact: e.DamageFound) -> str:
    source = f", restored from {fact.restored_from}" if fact.restored_from else ""
    return f"{fact.path} was damaged{source}{_because(fact.problem)}"


def _backup(fact: e.BackupProven) -> str:
    how = "was restored in a scratch place" if fact.ok else "could NOT be restored"
    return f"the backup of {fact.target} of {fact.service} {how}{_because(fact.problem)}"


# What the story of an incident does not tell.
_SENTENCES: dict[type[Fact], Callable[[Any], str]] = {
    e.ConfigChanged: _config,
    e.OperatorCommanded: lambda f: (
        f"stopping, as a {f.by} asked"
        if f.command == "shutdown"
        else f"{f.by or 'operator'}: {f.command} {f.service}".rstrip()
    ),
    e.ChangeObserved: lambda f: f"{f.kind} of {f.service} changed from {f.before or '?'} to {f.after or '?'}",
    e.ObservationResumed: lambda f: (
        "watching" if f.why == "start" else f"watching again after {f.gap_s:.0f} s"
    ),
    e.AnomalyDetected: lambda f: f"{f.service}: {f.metric} is {f.value:g}, usually {f.expected:g}",
    e.HourEnded: lambda f: f"hour {f.hour} of the week is over, and its load is noted",
    e.ServiceStarted: lambda f: f"{f.service} runs as process {f.pid}{' (found again)' if f.adopted else ''}",
    e.FaultInjected: lambda f: f"drill: {f.fault} on {f.service}{_because(f.detail)}",
    e.FaultReverted: lambda f: f"drill undone: {f.fault} on {f.service}",
    e.EventQuarantined: lambda f: f"{f.agent} set an event aside{_because(f.error)}",
    e.StorageChanged: lambda f: (
        "state is saved again" if f.ok else f"state cannot be saved{_because(f.problem)}"
    ),
    e.DamageFound: _damage,
    e.BackupProven: _backup,
    e.FreezeNoted: lambda f: f"auto-deploy of {f.service} is off since its rollback",
    e.FreezeEnded: lambda f: f"auto-deploy of {f.service} is on again",
    e.DecayNoticed: lambda f: f"slow decay of {f.service}{_because(f.why)}",
    e.SettingChanged: lambda f: f"{f.setting} of {f.service} {f.step}, now {f.value:g}{_because(f.why)}",
    e.SettingProposed: lambda f: f"proposal for {f.service}: {f.setting} {f.value:g}{_because(f.why)}",
    e.LessonLearned: lambda f: f"learnt about {f.service}{_because(f.why)}",
    e.MessagePosted: lambda f: f"{f.channel}: told of {f.key}{_because(f.text)}",
}
