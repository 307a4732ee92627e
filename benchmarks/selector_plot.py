"""Draws what was lost against the oracle, incident by incident, as a picture for docs/benchmarks.md."""

from collections.abc import Mapping, Sequence
from pathlib import Path

PLACE = Path(__file__).parent.parent / "docs" / "images" / "selector.svg"
WIDTH, HEIGHT, LEFT, BOTTOM = 640, 300, 60, 40
COLOURS = ("#8c959f", "#1f6feb", "#bf8700", "#1a7f37")


def draw(curves: Mapping[str, Sequence[float]], *, every: int, most: float) -> str:
    """`curves` are cumulated minutes at each `every` incidents; what rises above `most` leaves the picture."""
    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" '
            'font-family="sans-serif" font-size="12"><rect width="100%" height="100%" fill="white"/>'
        ),
        f'<path d="M{LEFT},10V{HEIGHT - BOTTOM}H{WIDTH - 10}" fill="none" stroke="#57606a"/>',
        f'<text x="{WIDTH // 2}" y="{HEIGHT - 8}">incidents</text>',
        f'<text x="14" y="{HEIGHT // 2 + 60}" transform="rotate(-90 14 {HEIGHT // 2 + 60})">minutes lost</text>',
    ]
    longest = max(len(curve) for curve in curves.values())
    for colour, (name, curve) in zip(COLOURS, curves.items(), strict=False):
        inside = [(n, value) for n, value in enumerate(curve) if value <= most]
        points = " ".join(f"{_x(n, longest):.0f},{_y(value, most):.0f}" for n, value in inside)
        n, value = inside[-1]
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(
            f'<text x="{min(_x(n, longest), WIDTH - 80):.0f}" y="{_y(value, most) - 6:.0f}" fill="{colour}">{name}</text>'
        )
    for share in (0.0, 0.5, 1.0):
        parts.append(f'<text x="{LEFT - 34}" y="{_y(share * most, most) + 4:.0f}">{share * most:.0f}</text>')
        number = round(share * (longest - 1) * every, -2)
        parts.append(
            f'<text x="{_x(share * (longest - 1), longest) - 12:.0f}" y="{HEIGHT - 24}">{number:.0f}</text>'
        )
    return "".join([*parts, "</svg>\n"])


def _x(n: float, longest: int) -> float:
    return LEFT + (WIDTH - LEFT - 20) * n / max(1, longest - 1)


def _y(value: float, most: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - 20) * value / most
