"""The prevention agent: proposes a plan when its hour comes, one at a time, and says how each ended."""

from typing import Any

from msgspec.structs import force_setattr

from agents.events import (
    Event,
    Fact,
    FixApplied,
    FixRefused,
    FixStarted,
    HealthChanged,
    MaintenanceCancelled,
    MaintenanceDone,
    MaintenanceProposed,
    MaintenanceScheduled,
    MaintenanceVetoed,
    OperatorCommanded,
    Tick,
    VetoRefused,
)
from agents.render_prevention_agent import RenderPreventionAgent
from config.fixes import load_fixes
from config.model import Approvals, Approver, Config
from config.world import World


class Desk:
    def __init__(self, **config: Any) -> None:
        self.agent = RenderPreventionAgent(World(Config(**config), load_fixes()))
        self._ids = 0

    def tell(self, event: Event, at: float = 0.0) -> list[Any]:
        force_setattr(event, "at", at)
        if not event.id:
            self._ids += 1
            force_setattr(event, "id", f"e{self._ids}")
        results = list(self.agent.handle(event))
        if isinstance(event, Fact):
            self.agent.apply(event)
        for n, result in enumerate(results):
            force_setattr(result, "at", at)
            force_setattr(result, "id", f"{event.id}-{n}")
            self.agent.apply(result)
        return results

    def status(self, plan: str = "p") -> str:
        return self.agent.state.upkeep[plan].status


def scheduled(plan: str = "p", start_at: float = 100.0, **more: Any) -> MaintenanceScheduled:
    usual: dict[str, Any] = {
        "service": "shop", "plan": plan, "failure": "memory_leak", "metric": "rss_mib", "fix": "restart", "agent": "application_recovery",
        "act_deadline_s": 60.0, "start_at": start_at, "latest_at": 2000.0, "fails_at": 4000.0,
    }  # fmt: skip
    return MaintenanceScheduled(**(usual | more))


def started(desk: Desk, plan: str = "p", at: float = 100.0) -> FixStarted:
    [proposal] = desk.tell(Tick(), at)
    assert isinstance(proposal, MaintenanceProposed)
    assert (proposal.plan, proposal.what, proposal.kind) == (plan, "restart", "maintenance")
    act = FixStarted(
        service="shop", fix="restart", agent="application_recovery", cause_name="maintenance", culprit="shop", deadline_s=60.0,
        kind="maintenance", cause=proposal.id,
    )  # fmt: skip
    desk.tell(act, at)
    return act


def applied(act: FixStarted, outcome: Any = "done") -> FixApplied:
    return FixApplied(
        service="shop", fix="restart", outcome=outcome, cause=act.id, incarnation="new", detail="why"
    )


def test_a_plan_is_proposed_at_its_hour_and_done_once_its_service_is_well_in_the_new_life() -> None:
    desk = Desk()
    desk.tell(scheduled())
    assert desk.tell(Tick(), 99.0) == []
    act = started(desk)
    assert desk.status() == "running"
    assert desk.tell(Tick(), 101.0) == []
    assert desk.tell(applied(act), 102.0) == []
    assert desk.tell(HealthChanged(service="shop", health="healthy", incarnation="old"), 103.0) == []
    [done] = desk.tell(HealthChanged(service="shop", health="healthy", incarnation="new"), 104.0)
    assert isinstance(done, MaintenanceDone)
    assert (done.outcome, done.seconds, desk.status()) == ("done", 4.0, "done")


def test_a_service_that_does_not_get_well_makes_the_plan_a_failed_one() -> None:
    desk = Desk()
    desk.tell(scheduled())
    act = started(desk)
    desk.tell(applied(act), 102.0)
    assert desk.tell(Tick(), 700.0) == []
    [done] = desk.tell(Tick(), 703.0)
    assert (done.outcome, done.reason) == ("failed", "not healthy within 600 s")


def test_what_the_gate_refuses_is_proposed_again_at_its_pace_until_it_would_be_too_late() -> None:
    desk = Desk()
    desk.tell(scheduled())
    [proposal] = desk.tell(Tick(), 100.0)
    desk.tell(
        FixRefused(service="shop", fix="restart", limit="paused", reason="paused by ann", cause=proposal.id),
        100.0,
    )
    assert desk.status() == "scheduled"
    assert desk.tell(Tick(), 399.0) == []
    assert [type(event) for event in desk.tell(Tick(), 400.0)] == [MaintenanceProposed]
    [missed] = desk.tell(Tick(), 2001.0)
    assert (missed.outcome, missed.reason) == ("missed", "paused by ann")


def test_one_plan_is_carried_out_at_a_time() -> None:
    desk = Desk()
    desk.tell(scheduled("later", 100.0))
    desk.tell(scheduled("sooner", 50.0))
    act = started(desk, "sooner")
    assert desk.tell(Tick(), 300.0) == []
    desk.tell(applied(act, "failed"), 301.0)
    assert desk.status("sooner") == "failed"
    [proposal] = desk.tell(Tick(), 302.0)
    assert proposal.plan == "later"


def test_a_veto_ends_a_plan_and_one_that_runs_is_past_it() -> None:
    desk = Desk()
    desk.tell(scheduled())
    [veto] = desk.tell(OperatorCommanded(command="veto", about="p", by="ann"))
    assert isinstance(veto, MaintenanceVetoed)
    assert desk.tell(Tick(), 500.0) == []
    desk.tell(scheduled("q"))
    started(desk, "q", 600.0)
    [refusal] = desk.tell(OperatorCommanded(command="veto", about="q", by="ann"), 601.0)
    assert isinstance(refusal, VetoRefused)
    assert refusal.reason == "too late: it is running"


def test_only_those_who_are_named_may_say_no() -> None:
    desk = Desk(approvals=Approvals(approvers=(Approver(name="ann"),)))
    desk.tell(scheduled())
    [refusal] = desk.tell(OperatorCommanded(command="veto", about="p", by="telegram:bob"))
    assert refusal.reason.startswith("bob may not decide")
    [veto] = desk.tell(OperatorCommanded(command="veto", about="p", by="telegram:ann"))
    assert veto.by == "telegram:ann"


def test_what_people_have_to_do_is_never_proposed_and_ends_when_it_should_have_happened() -> None:
    desk = Desk()
    desk.tell(scheduled(fix="", agent=""))
    assert desk.status() == "for_people"
    assert desk.tell(Tick(), 3999.0) == []
    [done] = desk.tell(Tick(), 4000.0)
    assert done.outcome == "missed"


def test_a_cancelled_plan_is_over_and_a_moved_one_begins_at_its_new_time() -> None:
    desk = Desk()
    desk.tell(scheduled())
    desk.tell(scheduled(start_at=200.0, moved=True))
    assert desk.tell(Tick(), 150.0) == []
    desk.tell(MaintenanceCancelled(service="shop", plan="p", why="faded", reason="r"), 160.0)
    assert desk.tell(Tick(), 250.0) == []
    assert desk.status() == "cancelled"
