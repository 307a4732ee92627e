"""Draws how sure the engine says it is against how often it is right: python -m benchmarks.rca_plot writes the image."""

import numpy as np

from benchmarks.measure import ROOT
from benchmarks.root_cause import Answer, answers

PLACE = ROOT / "docs" / "images" / "root-cause.svg"
SIZE, EDGE = 320, 40
BINS = 8


def drawn(every: list[Answer]) -> str:
    """A dot for each eighth of the cases by confidence; on the diagonal it is as right as it says."""
    stated = np.array([answer.confidence for answer in every])
    right = np.array([float(answer.place == 1) for answer in every])
    parts = np.array_split(np.argsort(stated, kind="stable"), BINS)
    dots = [(_at(float(stated[part].mean())), _at(1 - float(right[part].mean()))) for part in parts]
    end = _at(1.0)
    labels = [
        f'<text x="{_at(share):.0f}" y="{end + 16:.0f}" text-anchor="middle">{share:.0%}</text>'
        f'<text x="{EDGE - 6}" y="{_at(1 - share) + 4:.0f}" text-anchor="end">{share:.0%}</text>'
        for share in (0.0, 0.5, 1.0)
    ]
    side = SIZE + 2 * EDGE
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {side} {side}" width="{side}" font-family="sans-serif" '
        'font-size="11"><rect width="100%" height="100%" fill="#fff"/>'
        f'<path d="M{EDGE} {EDGE}V{end}H{end}" fill="none" stroke="#333"/>'
        f'<path d="M{EDGE} {end}L{end} {EDGE}" stroke="#bbb" stroke-dasharray="4 4"/>'
        + "".join(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="#1e50a0"/>' for x, y in dots)
        + "".join(labels)
        + f'<text x="{side / 2:.0f}" y="{side - 6}" text-anchor="middle">how sure it says it is</text>'
        f'<text x="14" y="{side / 2:.0f}" text-anchor="middle" transform="rotate(-90 14 {side / 2:.0f})">'
        "how often it is right</text></svg>\n"
    )


def _at(share: float) -> float:
    return EDGE + share * SIZE


if __name__ == "__main__":
    PLACE.write_text(drawn(answers(0)))
    print(f"written: {PLACE}")
