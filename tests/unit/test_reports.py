"""Incident reports: what they tell, that nothing a service wrote means anything in them, what their charts show."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest

from agents.events import Cause
from agents.incident.records import Act, Incident, Line
from dashboard.reports.chart import Mark, chart
from dashboard.reports.curves import LONGEST, METRICS, Curve, Curves
from dashboard.reports.pages import html, markdown
from dashboard.reports.telling import Report, report_of
from utils.redact import Redactor

EVIL = '<script>alert(1)</script> & "quoted" `code` [x](javascript:1)'


def incident(**more: Any) -> Incident:
    act = Act(
        id="a1", fix="respawn", target="shop", layer="application", cause_name="crash", culprit="shop",
        started_at=1000.5, outcome="verified", seconds=2.0, undo="start it again",
    )  # fmt: skip
    values: dict[str, Any] = {
        "id": "i1", "service": "shop", "opened_at": 1000.0, "first_sign_at": 1000.0, "symptom": "exit", "kind": "exit",
        "status": "closed", "outcome": "healed", "closed_at": 1003.0, "symptoms": ("exit: was killed by SIGKILL",),
        "cause": Cause("crash", "shop", 0.97, ("the process was ended by signal 9",)),
        "rivals": (Cause("hang", "shop", 0.02),), "acts": (act,),
        "timeline": (Line(1000.0, "shop has a problem"), Line(1003.0, "healed")),
    }  # fmt: skip
    return Incident(**(values | more))


def report(story: Incident, curves: Curves | None = None, secrets: tuple[str, ...] = ()) -> Report:
    rates = [
        {"key": "crash/respawn", "by_service": {"shop": {"well": 3, "times": 4, "helps": 0.8}}, "passes": 0.1}
    ]
    return report_of(story, curves or Curves(), rates, lambda at: f"{at:g}", Redactor(secrets))


@pytest.mark.parametrize("form", [html, markdown])
def test_a_report_tells_the_whole_story(form: Any) -> None:
    text = form(report(incident())).replace("\\", "")
    for words in (
        "shop: healed by respawn", "1000 to 1003, 3.0 s", "exit: was killed by SIGKILL", "crash of shop, 97% sure",
        "ended by signal 9", "hang of shop, 2%", "+0.5 s: respawn of shop for crash, 2.0 s, verified; to undo it: start it again",
        "after respawn against crash shop was well 3 of 4 times; it helps in 80%, 10% pass meanwhile", "shop has a problem",
    ):  # fmt: skip
        assert words in text


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.add(tag)
        self.addresses += [
            value or "" for name, value in attrs if name in {"src", "href"} or name.startswith("on")
        ]


def test_what_a_watched_service_wrote_is_text_and_nothing_else() -> None:
    story = incident(
        symptoms=(EVIL,), timeline=(Line(1000.0, EVIL),), cause=Cause("crash", "shop", 1.0, (EVIL,))
    )
    tags = Tags()
    tags.feed(html(report(story)))
    assert "script" not in tags.seen
    assert tags.addresses == []
    assert not re.search(r"(?<!\\)[<\[`]", markdown(report(story)).replace("`i1`", ""))


def test_secrets_stand_in_no_report() -> None:
    story = incident(timeline=(Line(1000.0, "login with hunter22 failed"),), symptoms=("hunter22",))
    made = report(story, secrets=("hunter22",))
    assert "hunter22" not in html(made) + markdown(made)


def test_the_chart_shows_the_metric_that_moved_and_not_the_one_that_did_not() -> None:
    curves = Curves()
    for second in range(400, 1010):
        rss = 100.0 if second < 900 else 100.0 + second - 900
        curves.add("shop", ("rss_mib", "threads"), (rss, 8.0), float(second))
    assert [curve.metric for curve in report(incident(), curves).curves] == ["rss_mib"]


def test_a_chart_lies_inside_its_frame_and_marks_what_happened() -> None:
    curve = Curve("shop", "rss_mib", (0.0, 5.0, 10.0), (1.0, 9.0, 4.0))
    drawn = chart(curve, [Mark(5.0, "respawn <started>", "act"), Mark(99.0, "late", "good")], 5.0)
    points = [
        tuple(map(float, pair.split(","))) for pair in re.findall(r'points="([^"]+)"', drawn)[0].split()
    ]
    assert all(0 <= x <= 760 and 0 <= y <= 200 for x, y in points)
    assert min(points, key=lambda p: p[1])[0] == points[1][0], "the highest value is the highest point"
    assert "respawn &lt;started&gt;" in drawn


@pytest.mark.parametrize("values", [(0.0, 0.0), (5.0, 5.0), (-1.0, -1.0), (-3.0, 4.0)])
def test_a_flat_or_negative_curve_can_be_drawn(values: tuple[float, float]) -> None:
    assert "nan" not in chart(Curve("shop", "m", (0.0, 1.0), values), [], 0.0)


def test_what_is_kept_for_charts_is_bounded() -> None:
    curves = Curves()
    for second in range(3 * LONGEST):
        curves.add("shop", [f"m{n}" for n in range(METRICS + 10)], [1.0] * (METRICS + 10), float(second))
    assert len(curves.metrics("shop")) == METRICS
    kept = curves.of("shop", "m0", 0.0, 1e9)
    assert kept is not None
    assert kept.at[-1] == 3 * LONGEST - 1
    assert len(kept.at) <= LONGEST


def test_its_own_figures_are_kept_however_much_a_service_exports() -> None:
    curves = Curves()
    curves.add("shop", [f"m{n}" for n in range(METRICS)], [1.0] * METRICS, 0.0)
    for second in (1.0, 2.0):
        curves.add("shop", ("rss_mib",), (5.0,), second)
    assert curves.of("shop", "rss_mib", 0.0, 9.0) is not None


def test_an_incident_without_a_cause_and_without_samples_has_a_report_too() -> None:
    story = incident(cause=None, rivals=(), acts=(), outcome="passed_by_itself")
    assert "shop: passed by itself" in html(report(story))
    assert "not found" in markdown(report(story))
