"""What alerts of others mean for incidents: which one opens one, and when the end of one ends it."""

from collections.abc import Sequence

from agents.events import AlertReceived, Event
from agents.incident import verdicts as verdicts
from agents.incident import verification as rules
from agents.incident.records import Incident
from agents.incident.state import State

QUIET_S = 600.0  # what still fires after healing may lag behind: others judge by minutes


def alert_opens(state: State, fact: AlertReceived) -> bool:
    """A new trouble does; a mere reminder of a standing one only when the last incident is over for a while."""
    if not (fact.service and fact.firing) or state.is_repeat(fact):
        return False
    settled = state.settled.get(fact.service)
    reminds = fact.key in state.alerts and not fact.delivery
    return not reminds or settled is None or fact.at - settled >= QUIET_S


def judge_alert(state: State, incident: Incident, fact: AlertReceived) -> Sequence[Event]:
    """The end of the last alert ends an incident that alerts opened, unless we see a symptom of our own."""
    if fact.firing or incident.kind != "alert" or incident.damaged or state.is_repeat(fact):
        return ()
    others = any(key != fact.key and alert.service == fact.service for key, alert in state.alerts.items())
    health = state.health.get(fact.service)
    if others or (health is not None and health.health in rules.BAD):
        return ()
    act = incident.act
    if act is None:
        return [verdicts.closed(incident, "passed_by_itself", fact.at, f"the alert {fact.alert} is over")]
    return verdicts.verified(incident, act, fact.at) if act.outcome == "applied" else ()
