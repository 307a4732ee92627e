"""A simulated month with and without Nightwarden: the same faults, the real agents in virtual time, people who take two hours."""

from benchmarks.month_faults import DAYS, Fault, Outcome, alone, month
from benchmarks.month_world import lived
from benchmarks.report import Goal, Table
from benchmarks.virtual_upkeep import coarse
from tests.fixtures.virtual_daemon import play

SEED = 2026
PEOPLES = "credential"
DRAWN = 200


def run(*, quick: bool) -> list[Table]:
    coarse(tick_s=4.0, sample_s=60.0)
    faults = month(SEED)
    if quick:
        faults = faults[:12]
    ours = play(lived(faults))
    supervised, bare = alone(faults, supervised=True), alone(faults, supervised=False)
    return [_table(faults, ours, supervised, bare)]


def _table(faults: list[Fault], ours: Outcome, supervised: Outcome, bare: Outcome) -> Table:
    columns = {"with Nightwarden": ours, "people and a supervisor": supervised, "people alone": bare}
    rows = [
        _row("availability", [f"{each.availability:.3%}" for each in columns.values()]),
        _row(
            "mean time to recover without a person",
            [f"{each.mean_healed_s:.1f} s" for each in columns.values()],
        ),
        _row("mean time to recover of all", [f"{each.mean_s:.0f} s" for each in columns.values()]),
        _row("incidents that reach people", [str(each.reached_people) for each in columns.values()]),
        _row("manual interventions", [str(each.interventions) for each in columns.values()]),
        _row(
            "data damage that stays",
            [f"{each.data_unresolved} of {each.data_faults}" for each in columns.values()],
        ),
    ]
    return Table(
        title=f"{len(faults)} faults on ten services and a model in {DAYS:g} days",
        columns=("", *columns),
        rows=rows,
        goals=[
            Goal("availability", 100 * ours.availability, 99.9, "%", least=True),
            Goal("mean time to recover without a person", ours.mean_healed_s, 47.0, "s"),
            Goal(
                "incidents that reach people, against a supervisor",
                _less(ours.reached_people, supervised.reached_people),
                -75.0,
                "%",
            ),
            Goal(
                "manual interventions, against a supervisor",
                _less(ours.interventions, supervised.interventions),
                -80.0,
                "%",
            ),
            Goal("data damage that stays", 100 * ours.data_unresolved / max(ours.data_faults, 1), 3.0, "%"),
        ],
        notes=[
            f"The daemon lived through {ours.lived_s / 3600:.0f} hours of it; calm ones were skipped.",
            f"{len(ours.by_people_s)} faults were mended by a person, two hours after they had been called.",
            _bound(faults),
        ],
    )


def _bound(faults: list[Fault]) -> str:
    """Of what nobody but people can mend, no automation takes the two hours away."""
    least = 1 - alone([fault for fault in faults if fault.kind == PEOPLES], supervised=True).availability
    drawn = [month(seed) for seed in range(DRAWN)]
    alike = [
        1 - alone([each for each in one if each.kind == PEOPLES], supervised=True).availability
        for one in drawn
    ]
    return (
        f"What only a person can mend costs {least:.3%} by itself, for nobody comes sooner; "
        f"in {DRAWN} months drawn alike {sum(alike) / DRAWN:.3%} on average."
    )


def _row(name: str, cells: list[str]) -> tuple[str, ...]:
    return (name, *cells)


def _less(ours: int, theirs: int) -> float:
    return 100.0 * (ours / max(theirs, 1) - 1)
