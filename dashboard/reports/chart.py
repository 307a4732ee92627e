"""One metric over time as SVG, with lines where something happened. Text in it is escaped; nothing is loaded."""

from collections.abc import Sequence
from html import escape

from msgspec import Struct

from dashboard.reports.curves import Curve

WIDTH, HEIGHT = 760.0, 200.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 12.0, 14.0, 26.0


class Mark(Struct, frozen=True):
    at: float
    text: str
    kind: str  # "bad", "act" or "good"


def chart(curve: Curve, marks: Sequence[Mark], opened_at: float) -> str:
    """Seconds from the opening of the incident on the x axis."""
    since, until = curve.at[0], max(curve.at[-1], *(mark.at for mark in marks), curve.at[0] + 1.0)
    low, high = _range(curve.values)

    def x(at: float) -> float:
        return LEFT + (at - since) / (until - since) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    points = " ".join(f"{x(at):.1f},{y(value):.1f}" for at, value in zip(curve.at, curve.values, strict=True))
    title = f"{curve.metric} of {curve.service}"
    shown = [mark for mark in marks if since <= mark.at <= until]
    parts = [
        f'<svg viewBox="0 0 {WIDTH:g} {HEIGHT:g}" role="img" aria-label="{escape(title)}">',
        *(_level(y(value), value) for value in (low, high)),
        *(_line(x(mark.at), mark) for mark in shown),
        f'<polyline class="curve" points="{points}"/>',
        *(_second(x(at), at - opened_at) for at in (since, (since + until) / 2, until)),
        "</svg>",
    ]
    return (
        f"<figure>{''.join(parts)}<figcaption>{escape(title)}, seconds from the opening</figcaption></figure>"
    )


def _range(values: Sequence[float]) -> tuple[float, float]:
    """From 0 where that is near, and never empty."""
    low, high = min(values), max(values)
    low = 0.0 if 0.0 <= low < high / 2 or low == high >= 0.0 else low
    return (low, high) if high > low else (low, low + 1.0)


def _level(y: float, value: float) -> str:
    line = f'<line class="level" x1="{LEFT:g}" x2="{WIDTH - RIGHT:g}" y1="{y:.1f}" y2="{y:.1f}"/>'
    return f'{line}<text class="axis" x="{LEFT - 6:g}" y="{y + 4:.1f}" text-anchor="end">{value:.4g}</text>'


def _line(x: float, mark: Mark) -> str:
    return (
        f'<line class="mark {mark.kind}" x1="{x:.1f}" x2="{x:.1f}" y1="{TOP:g}" y2="{HEIGHT - BOTTOM:g}">'
        f"<title>{escape(mark.text)}</title></line>"
    )


def _second(x: float, seconds: float) -> str:
    return f'<text class="axis" x="{x:.1f}" y="{HEIGHT - 8:g}" text-anchor="middle">{seconds:+.0f}</text>'
