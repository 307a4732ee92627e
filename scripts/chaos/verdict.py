"""The verdict on one scenario: what was done, from the vandal's own log, beside what the daemon says it saw and did."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from scripts.chaos.scenario import Scenario

Item = dict[str, Any]
SLACK_S = 0.3  # two processes, two readings of the clock
PASSIVE = "wait"
ENDS = ("closed", "escalated", "withdrawn")
TOGETHER = ("detected", "localised", "cause_right", "mitigated")


def skipped(scenario: Scenario, reason: str) -> Item:
    return _head(scenario) | {"skipped": reason} | dict.fromkeys(TOGETHER)


def judge(scenario: Scenario, line: Item, incidents: Sequence[Item], roles: dict[str, str]) -> Item:
    """One row of the report. `incidents` are those of the cell's services, the oldest first; `roles` by service."""
    row = _head(scenario) | {
        "skipped": None,
        "problem": line.get("problem", ""),
        "told": line.get("told", {}),
    }
    since = line.get("injected_at", 0.0)
    before = [one for one in incidents if not since or unix(one["opened_at"]) < since - SLACK_S]
    during = [one for one in incidents if one not in before]
    row["incidents"] = [one["id"] for one in during]
    row["acts_before"] = len(_acts(before))
    if not since:
        failed = dict.fromkeys(TOGETHER, False if scenario.is_fault else None)
        return row | failed | {"acts_without_fault": row["acts_before"]}
    if not scenario.is_fault:
        acts = [*_acts(before), *_acts(during)]
        named = [f"{act['fix']} of {roles.get(act['service'], '')}" for act in acts]
        return row | dict.fromkeys(TOGETHER) | {"acts_without_fault": len(acts), "acts": named}
    return row | {"acts_without_fault": row["acts_before"]} | _of_fault(scenario, line, during, roles)


def unix(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def _head(scenario: Scenario) -> Item:
    return {
        "name": scenario.name,
        "family": scenario.family,
        "fault": scenario.fault if scenario.is_fault else None,
        "what": scenario.fault,
        "regression": scenario.regression or None,
        "wanted": {"culprit": scenario.culprit, "causes": list(scenario.causes)}
        if scenario.is_fault
        else None,
        "mitigable": scenario.mitigable if scenario.is_fault else None,
    }


def _acts(incidents: Iterable[Item]) -> list[Item]:
    return [
        {"service": one["service"], **act}
        for one in incidents
        for act in one["acts"]
        if act["fix"] != PASSIVE and _touched(act)
    ]


def _touched(act: Item) -> bool:
    """Not where a last look found nothing to do, nor where the incident was withdrawn before anything was done."""
    dropped = act["outcome"] == "dropped" and not act["seconds"]
    return bool(act.get("needed", True)) and not dropped


def _of_fault(scenario: Scenario, line: Item, during: Sequence[Item], roles: dict[str, str]) -> Item:
    since = line["injected_at"]
    named = _named(during, scenario.culprit, roles)
    acts = _acts(during)
    wrong = [act for act in acts if roles[act["service"]] in scenario.spared]
    healed_at = line.get("healed_at")
    began_at = max(
        since, line.get("mendable_at", 0.0), line.get("failed_at", 0.0)
    )  # what creeps is felt later
    mttr_s = max(healed_at - began_at, 0.0) if healed_at else None
    start_s = line.get("start_s", 0.0)
    row: Item = {
        "detected": bool(during),
        "localised": bool(during) and all(_blames(one, scenario.culprit, roles) for one in during),
        "cause_right": bool(named) and named["cause"]["name"] in scenario.causes,
        "mttd_s": _round(unix(during[0]["opened_at"]) - since) if during else None,
        "mttr_s": _round(mttr_s),
        "start_s": _round(start_s),
        "beyond_start_s": _round(max(mttr_s - start_s, 0.0)) if mttr_s is not None else None,
        "said": _said(named, roles),
        "acts": [f"{act['fix']} of {roles[act['service']]}: {act['outcome']}" for act in acts],
        "wrong_acts": len(wrong),
    }
    few = not scenario.most_acts or len(acts) <= scenario.most_acts
    whole = healed_at is not None and not line.get("problem") and all(one["status"] in ENDS for one in during)
    row["mitigated"] = bool(during) and whole and few and not wrong if scenario.mitigable else None
    return row


def _named(during: Sequence[Item], culprit: str, roles: dict[str, str]) -> Item:
    """The incident that says most of the culprit: its own, else the first."""
    own = [one for one in during if roles[one["service"]] == culprit]
    return next((one for one in [*own, *during] if one["cause"]), {})


def _blames(incident: Item, culprit: str, roles: dict[str, str]) -> bool:
    return bool(incident["cause"]) and roles.get(incident["cause"]["service"]) == culprit


def _said(named: Item, roles: dict[str, str]) -> Item | None:
    if not named:
        return None
    cause = named["cause"]
    return {
        "cause": cause["name"],
        "culprit": roles.get(cause["service"], cause["service"]),
        "confidence": cause["confidence"],
        "evidence": cause.get("evidence", []),
    }


def _round(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
