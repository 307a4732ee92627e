"""What the engine remembers of samples, the window that is cut out of them, and the evidence that they give."""

import numpy as np
import pytest

from analysis.root_cause import history as module
from analysis.root_cause.figures import figure_evidence
from analysis.root_cause.history import ROWS, STEP_S, History

OWN = ("cpu_percent", "rss_mib")
SCRAPE = ("http_requests_total", "http_request_duration_seconds_sum", "http_request_duration_seconds_count")


def samples(
    service: str, minutes: float, *, cpu: float = 20.0, until: float = 0.0, seed: int = 1
) -> list[tuple[str, float, float, float]]:
    """(service, time, cpu, rss) every 5 s, ending at `until`."""
    random = np.random.default_rng(seed)
    steps = int(minutes * 12)
    return [
        (
            service,
            until - 5.0 * (steps - 1 - n),
            cpu * (1 + 0.03 * random.standard_normal()),
            200.0 + random.standard_normal(),
        )
        for n in range(steps)
    ]


def told(history: History, *every: list[tuple[str, float, float, float]]) -> None:
    for service, at, cpu, rss in sorted(
        (sample for each in every for sample in each), key=lambda sample: sample[1]
    ):
        history.take(service, at, OWN, (cpu, rss))


def three_services(late_s: float = 20.0) -> History:
    """Shop needs stock; the processor of stock is used up, and has been for a while when the alarm comes."""
    history = History()
    told(
        history,
        samples("shop", 12, until=1000.0, seed=2),
        samples("mail", 12, until=1000.0, seed=3),
        samples("stock", 12 - late_s / 60, until=1000.0 - late_s, seed=4),
        samples("stock", late_s / 60, cpu=180.0, until=1000.0, seed=5),
    )
    return history


def test_a_window_has_a_row_for_each_step_and_ends_with_the_newest_samples() -> None:
    window = three_services().window(["shop", "stock", "mail"], [("shop", "stock")], "shop", 1000.0, 0.0)
    assert window is not None
    assert len(window.before) + len(window.after) in (72, 73)
    column = [(each.service, each.metric) for each in window.columns].index(("stock", "cpu_percent"))
    assert window.after[:, column].min() > 100
    assert np.nanmedian(window.before[:, column]) == pytest.approx(20.0, abs=1.0)


def test_nothing_is_said_while_too_little_is_known() -> None:
    history = History()
    told(history, samples("shop", 3, until=1000.0))
    assert history.window(["shop"], [], "shop", 1000.0, 0.0) is None
    assert History().window(["shop"], [], "shop", 1000.0, 0.0) is None


def test_counters_become_rates_and_means_and_one_that_begins_anew_has_no_value() -> None:
    history = History()
    for n in range(40):
        born = n if n < 30 else n - 30
        history.take("shop", 10.0 * n, SCRAPE, (50.0 * born, 4.0 * born, 40.0 * born))
    window = history.window(["shop"], [], "shop", 390.0, 0.0)
    assert window is not None
    values = dict(
        zip([each.metric for each in window.columns], np.vstack([window.before, window.after]).T, strict=True)
    )
    assert np.nanmax(values["http_requests_per_s"]) == pytest.approx(5.0)
    assert np.nanmin(values["http_requests_per_s"]) == pytest.approx(5.0)
    assert np.nanmedian(values["http_request_duration_seconds_mean"]) == pytest.approx(0.1)
    assert int(np.isnan(values["http_requests_per_s"]).sum()) == 1
    assert window.target == ("shop", "http_request_duration_seconds_mean")


def test_who_is_slow_below_is_blamed_with_a_curve_of_what_shows_it() -> None:
    window = three_services().window(["shop", "stock", "mail"], [("shop", "stock")], "shop", 1000.0, 0.0)
    assert window is not None
    found = figure_evidence(window, "shop", ["stock"], changed=False)
    assert {(item.cause, item.service) for item in found} == {("dependency_failure", "stock")}
    assert 0 < sum(item.weight for item in found) <= 2.0
    assert found[0].sentence.startswith("cpu_percent of stock ▁")
    assert "█ is 1" in found[0].sentence
    assert found[0].sentence.endswith("usually 20")


def test_its_own_figures_name_the_cause_and_those_of_strangers_nothing() -> None:
    window = three_services().window(["shop", "stock", "mail"], [], "stock", 1000.0, 0.0)
    assert window is not None
    assert {item.cause for item in figure_evidence(window, "stock", [], changed=False)} == {"cpu_saturation"}
    assert figure_evidence(window, "shop", [], changed=False) == []


def test_a_service_alone_is_not_accused_for_want_of_others() -> None:
    history = History()
    told(history, samples("shop", 11.5, until=970.0), samples("shop", 0.5, cpu=22.5, until=1000.0, seed=9))
    window = history.window(["shop"], [], "shop", 1000.0, 0.0)
    assert window is not None
    assert figure_evidence(window, "shop", [], changed=False) == []


@pytest.mark.parametrize(("cpu", "accused"), [(24.0, False), (60.0, True)])
def test_of_two_services_one_has_to_be_far_from_usual_to_be_accused(cpu: float, accused: bool) -> None:
    history = History()
    calm, busy = (
        samples("stock", 11.5, until=970.0, seed=3),
        samples("stock", 0.5, cpu=cpu, until=1000.0, seed=9),
    )
    told(history, samples("shop", 12, until=1000.0, seed=2), calm, busy)
    window = history.window(["shop", "stock"], [("shop", "stock")], "shop", 1000.0, 0.0)
    assert window is not None
    assert bool(figure_evidence(window, "shop", ["stock"], changed=False)) is accused


def test_of_two_that_are_equally_far_from_usual_neither_is_a_clear_winner() -> None:
    history = History()
    told(history, samples("shop", 12, until=1000.0, seed=2))
    for name, seed in (("stock", 3), ("mail", 5)):
        told(
            history,
            samples(name, 11.5, until=970.0, seed=seed),
            samples(name, 0.5, cpu=180.0, until=1000.0, seed=seed),
        )
    window = history.window(["shop", "stock", "mail"], [], "shop", 1000.0, 0.0)
    assert window is not None
    assert figure_evidence(window, "shop", ["stock", "mail"], changed=False) == []


def test_memory_is_bounded_however_many_series_and_samples_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SERIES", 100)
    history = History()
    names = tuple(f"gauge_{n}" for n in range(500))
    for n in range(ROWS * 3):
        history.take("wide", n * STEP_S, names, tuple(float(n) for _ in names))
        history.take("late", n * STEP_S, names, tuple(float(n) for _ in names))
    window = history.window(["wide", "late"], [], "wide", (ROWS * 3 - 1) * STEP_S, 0.0)
    assert window is not None
    assert len(window.before) + len(window.after) <= ROWS
    assert {each.service for each in window.columns} == {"wide"}
    assert len(window.columns) == module.MOST_METRICS
    history.forget("wide")
    history.take("late", ROWS * 3 * STEP_S, names, tuple(1.0 for _ in names))
    assert history.window(["wide"], [], "wide", 0.0, 0.0) is None


def test_ordinary_noise_with_bursts_accuses_nobody_but_once_in_a_while() -> None:
    random = np.random.default_rng(5)
    services = [f"s{n}" for n in range(5)]
    accused = 0
    for _ in range(60):
        history = History()
        for step in range(90):
            for service in services:
                burst = random.exponential(30.0) if random.random() < 0.03 else 0.0
                figures = (
                    20.0 * (1 + 0.1 * random.standard_normal()) + burst,
                    200.0 + random.standard_normal(),
                )
                history.take(service, step * STEP_S, OWN, figures)
        window = history.window(services, [], "s0", 89 * STEP_S, 0.0)
        assert window is not None
        accused += bool(figure_evidence(window, "s0", services[1:], changed=False))
    assert accused <= 2
