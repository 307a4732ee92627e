"""`python scripts/test_self_healing.py`: proves on real pieces, in a folder of its own, that models and data heal."""

import argparse
import contextlib
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from config.problems import ConfigError
from mlops.entry import BAD_INPUT, leave, parser
from mlops.errors import BadInputError

__test__ = False  # pytest has tests of its own for this script; this is no module of tests

ABOUT = """Prove the four capabilities on real pieces: data that are really damaged, models that are really trained, a server that
is really frozen and killed. All of it in a temporary folder: data/, models/ and monitoring/ of this folder are not touched,
and no setting of this machine is read.

Exit codes: 0 all passed, 1 one failed, 2 bad input or a library is missing, 130 stopped by Ctrl-C."""
EXAMPLES = """  python scripts/test_self_healing.py
  python scripts/test_self_healing.py --only data
  python scripts/test_self_healing.py --only rollback --only drift"""


class Proof(Struct, frozen=True):
    """`function` of `module` proves it on a Ground and says what it saw; `needs` are libraries of the extra mlops."""

    name: str
    title: str
    module: str
    function: str
    needs: tuple[str, ...] = ()


PROOFS = (
    Proof("data", "data auto-fix", "scripts.healing_proofs", "data_repair", ("pandera",)),
    Proof("rollback", "model rollback", "scripts.healing_proofs", "model_rollback"),
    Proof("drift", "drift-triggered retraining", "scripts.healing_proofs", "drift_retraining"),
    Proof(
        "service", "service recovery", "scripts.healing_service", "service_recovery", ("fastapi", "uvicorn")
    ),
)


def main(words: list[str] | None = None) -> int:
    chosen = _arguments(words)
    proofs = [proof for proof in PROOFS if not chosen.only or proof.name in chosen.only]
    if lacking := list(_lacking(proofs)):
        print("\n".join([*lacking, "install the extra mlops: make setup-mlops"]), file=sys.stderr)
        return BAD_INPUT
    passed = sum(_passed(number, proof, len(proofs)) for number, proof in enumerate(proofs, 1))
    print(f"Results: {passed}/{len(proofs)} tests passed")
    return 0 if passed == len(proofs) else 1


def _lacking(proofs: list[Proof]) -> Iterator[str]:
    for proof in proofs:
        if absent := [library for library in proof.needs if find_spec(library) is None]:
            yield f"{proof.title} (--only {proof.name}) needs {' and '.join(absent)}"


def _passed(number: int, proof: Proof, count: int) -> bool:
    began = time.monotonic()
    with _progress(f"{number}/{count} {proof.title}"):
        works, told = _proven(proof)
    verdict = f"ok: {told}" if works else f"FAILED: {told}"
    print(f"{number}/{count} {proof.title}, {time.monotonic() - began:.1f} s: {verdict}", flush=True)
    return works


def _proven(proof: Proof) -> tuple[bool, str]:
    """Whether it holds, and what was seen. A fault of the capability of any kind is a failed test, not ours."""
    from scripts.healing_ground import Ground, ProofFailedError, undisturbed

    function: Callable[[Ground], str] = getattr(import_module(proof.module), proof.function)
    try:
        with tempfile.TemporaryDirectory(prefix=f"nightwarden-{proof.name}-") as folder, undisturbed():
            return True, function(Ground(Path(folder).resolve() / "project"))
    except (ProofFailedError, BadInputError, ConfigError) as error:
        return False, " ".join(str(error).split())
    except Exception as error:  # noqa: BLE001 -- whatever a broken capability raises
        return False, f"{type(error).__name__}: {' '.join(str(error).split())}"


@contextlib.contextmanager
def _progress(text: str) -> Iterator[None]:
    """A line that changes, on a terminal only."""
    if not sys.stderr.isatty():
        yield
        return
    from rich.console import Console

    with Console(stderr=True).status(text):
        yield


def _arguments(words: list[str] | None) -> argparse.Namespace:
    options = parser(ABOUT, EXAMPLES)
    names = [proof.name for proof in PROOFS]
    options.add_argument(
        "--only",
        action="append",
        choices=names,
        metavar="NAME",
        help=f"one of {', '.join(names)}; repeatable",
    )
    return options.parse_args(words)


if __name__ == "__main__":
    leave(main)
