"""`python scripts/generate_test_predictions.py N`: ask a running server for N predictions, and tell it the labels."""

import argparse
import sys
import time
from collections import Counter
from typing import Any, NamedTuple

from mlops.entry import add_setup_arguments, leave, parser, setup
from mlops.errors import BadInputError
from mlops.generators import Drift
from mlops.serving.client import Client, detail, share
from mlops.serving.samples import Samples, samples

EXAMPLES = """\
  python scripts/generate_test_predictions.py 250                       rows as the model knows them
  python scripts/generate_test_predictions.py 250 --labels              and the truth about each
  python scripts/generate_test_predictions.py 2000 --drift 1.0 --labels every number moved by one standard deviation
  python scripts/generate_test_predictions.py 500 --model housing --rate 50 --seed 7
"""
AT_ONCE = 500


class Sent(NamedTuple):
    """What came back."""

    ids: list[str | None]  # None where a request failed
    said: Counter[str]
    versions: Counter[int]
    failures: Counter[str]
    milliseconds: list[float]


def main(words: list[str] | None = None) -> int:
    arguments = _arguments(words)
    asked = setup(arguments)
    client = Client(arguments.url)
    prefix = f"/models/{arguments.model}" if arguments.model else ""
    if arguments.model:
        asked.config.model(arguments.model)
    served = client.reach(f"{prefix}/model")
    spec = asked.config.model(served["model"])
    drift = Drift(shifts=dict(map(_shift, arguments.shift)), concept=arguments.concept)
    chosen = samples(
        asked.places,
        spec,
        tuple(served["features"]),
        rows=arguments.count,
        seed=arguments.seed,
        drift=drift,
        sigmas=arguments.drift,
    )
    began = time.monotonic()
    sent = _send(client, f"{prefix}/predict", chosen, arguments.rate)
    _tell(spec.name, sent, time.monotonic() - began)
    failed = sum(sent.failures.values())
    if arguments.labels:
        failed += _label(client, f"{prefix}/labels", sent, chosen, arguments.labels)
    return 1 if failed else 0


def _send(client: Client, path: str, chosen: Samples, rate: float | None) -> Sent:
    sent = Sent([], Counter(), Counter(), Counter(), [])
    began = time.monotonic()
    for number, row in enumerate(_progress(chosen.rows)):
        if rate:
            time.sleep(max(0.0, began + number / rate - time.monotonic()))
        before = time.perf_counter()
        status, answer = client.post(path, row)
        if status != 200:
            sent.ids.append(None)
            sent.failures[f"{status or 'no status'}: {detail(answer)[:200]}"] += 1
            continue
        sent.milliseconds.append(1e3 * (time.perf_counter() - before))
        sent.ids.append(answer["prediction_id"])
        sent.versions[answer["model_version"]] += 1
        sent.said["values" if answer["probability"] is None else str(answer["prediction"])] += 1
    return sent


def _progress(rows: list[Any]) -> Any:
    """With a bar on a terminal."""
    if not sys.stderr.isatty():
        return rows
    from rich.console import Console
    from rich.progress import track

    return track(rows, "asking", console=Console(stderr=True))


def _tell(name: str, sent: Sent, seconds: float) -> None:
    count, well = len(sent.ids), sum(sent.versions.values())
    versions = ", ".join(f"version {version}" for version in sorted(sent.versions)) or "nobody"
    said = ", ".join(f"{what}: {number}" for what, number in sorted(sent.said.items()))
    print(f"{well} of {count} predictions from {name}, {versions}, in {seconds:.1f} s ({said or 'none'})")
    if well:
        p50, p99 = share(sent.milliseconds, 0.5), share(sent.milliseconds, 0.99)
        print(f"answer times: p50 {p50:.2f} ms, p99 {p99:.2f} ms")
    if sent.failures:
        print(f"{count - well} of {count} requests failed:", file=sys.stderr)
    for why, number in sent.failures.most_common(5):
        print(f"  {number} x {why}", file=sys.stderr)


def _label(client: Client, path: str, sent: Sent, chosen: Samples, part: float) -> int:
    """Send the labels of that share of the predictions; how many could not be sent."""
    pairs = zip(sent.ids, chosen.labels, strict=True)
    known = [{"prediction_id": each, "label": label} for each, label in pairs if each and label is not None]
    known = known[: round(part * len(known))]
    accepted, why = 0, ""
    for start in range(0, len(known), AT_ONCE):
        status, answer = client.post(path, known[start : start + AT_ONCE])
        if status == 200:
            accepted += answer["accepted"]
        else:
            why = f"{status}: {detail(answer)[:200]}"
    print(f"{accepted} of {len(known)} labels accepted")
    if why:
        print(f"labels failed: {why}", file=sys.stderr)
    return len(known) - accepted


def _arguments(words: list[str] | None) -> argparse.Namespace:
    found = parser("Ask a running server for predictions, with rows of the model's own table.", EXAMPLES)
    found.add_argument("count", nargs="?", type=_count, default=250, metavar="N", help="default: %(default)s")
    found.add_argument("--url", default="http://127.0.0.1:8000", help="default: %(default)s")
    found.add_argument(
        "--model", metavar="NAME", help="default: the one that the server answers for at /predict"
    )
    found.add_argument(
        "--labels",
        nargs="?",
        type=_part,
        const=1.0,
        default=0.0,
        metavar="SHARE",
        help="send labels too, of all or of a share",
    )
    found.add_argument("--drift", type=float, default=0.0, metavar="SIGMAS", help="move every number")
    found.add_argument("--shift", action="append", default=[], metavar="COLUMN=SIGMAS", help="move one")
    found.add_argument(
        "--concept", type=float, default=0.0, metavar="0..1", help="drift of the target's rule"
    )
    found.add_argument("--seed", type=int, default=0, metavar="N", help="default: %(default)s")
    found.add_argument("--rate", type=_positive, metavar="PER_SECOND", help="default: as fast as it goes")
    add_setup_arguments(found)
    return found.parse_args(words)


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 10_000_000:
        raise argparse.ArgumentTypeError("from 1 to 10,000,000")
    return value


def _part(text: str) -> float:
    value = float(text)
    if not 0 < value <= 1:
        raise argparse.ArgumentTypeError("a share above 0, at most 1")
    return value


def _positive(text: str) -> float:
    value = float(text)
    if not value > 0:
        raise argparse.ArgumentTypeError("above 0")
    return value


def _shift(text: str) -> tuple[str, float]:
    name, mark, sigmas = text.rpartition("=")
    try:
        return name, float(sigmas if mark else "")
    except ValueError:
        raise BadInputError(f"--shift {text}: must be COLUMN=SIGMAS, such as age=1.5") from None


if __name__ == "__main__":
    leave(main)
