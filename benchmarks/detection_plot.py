"""Draws a server's score over its marked incidents: python -m benchmarks.detection_plot writes the image."""

import json

import numpy as np
import pandas as pd

from analysis.detection.rows import Floats
from benchmarks.anomaly import score_series
from benchmarks.detection import DATA
from benchmarks.measure import ROOT

PLACE = ROOT / "docs" / "images" / "detection.svg"
SERVER = "machine-1-7"
WIDTH, HEIGHT, EDGE = 900, 220, 30


def drawn(score: Floats, incidents: list[tuple[int, int]], days: float) -> str:
    """The highest score of each pixel's rows; incidents as bands."""
    peaks = np.array([part.max() for part in np.array_split(score, WIDTH)])
    high = float(peaks.max())
    across = WIDTH / len(score)
    points = " ".join(
        f"{EDGE + x},{EDGE + HEIGHT * (1 - max(peak, 0.0) / high):.0f}" for x, peak in enumerate(peaks)
    )
    bands = "".join(
        f'<rect x="{EDGE + first * across:.1f}" y="{EDGE}" width="{max((last - first) * across, 1.5):.1f}" '
        f'height="{HEIGHT}" fill="#f2c4c4"/>'
        for first, last in incidents
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH + 2 * EDGE} {HEIGHT + 2 * EDGE}" '
        f'width="{WIDTH + 2 * EDGE}" font-family="sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="#fff"/>{bands}'
        f'<path d="M{EDGE} {EDGE}V{EDGE + HEIGHT}H{EDGE + WIDTH}" fill="none" stroke="#333"/>'
        f'<polyline points="{points}" fill="none" stroke="#1e50a0"/>'
        f'<text x="{EDGE}" y="{EDGE + HEIGHT + 16}">0</text>'
        f'<text x="{EDGE + WIDTH}" y="{EDGE + HEIGHT + 16}" text-anchor="end">{days:.0f} days</text>'
        f'<text x="{EDGE}" y="18">score; bands are marked incidents</text></svg>\n'
    )


def main() -> None:
    about = json.loads((DATA / "smd" / "labels.json").read_text())[SERVER]
    rows = pd.read_parquet(DATA / "smd" / "series" / f"{SERVER}.parquet").drop(columns="t").to_numpy(float)
    end, cut = about["train_end"], int(about["train_end"] * 0.7)
    score = score_series(rows[:cut], rows[cut:], about["interval_s"])[end - cut :]
    incidents = [(first - end, last - end) for first, last in about["segments"]]
    PLACE.write_text(drawn(score, incidents, len(score) * about["interval_s"] / 86_400))
    print(f"written: {PLACE}")


if __name__ == "__main__":
    main()
