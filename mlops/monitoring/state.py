"""What a model's looks remember from one to the next: the spent budget, the last full report."""

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from mlops.drift.budget import Budget
from mlops.monitoring.result import Calibration, MonitoringResult, Performance
from utils.disk import OsDisk, replace_file


class LookState(Struct, frozen=True, kw_only=True):
    reference: str = ""  # fingerprint; another one begins anew
    budget: Budget = Budget()
    full_at: float | None = None  # Unix seconds
    drifting: bool = False  # the last verdict was drift
    report: str | None = None  # the last page for people
    performance: Performance | None = None
    calibration: Calibration = "unchecked"  # as labels said at the last full report
    calibration_gap: float | None = None


class _Sealed(Struct, frozen=True):
    version: int
    checksum: str
    data: msgspec.Raw


def read_state(path: Path, reference: str, newest: Path | None) -> tuple[LookState, str]:
    """(state for this reference, what to tell): a damaged one is rebuilt from the newest result.

    What is lost with neither is small: a first look is given one interval's share of the budget and no more.
    """
    state: LookState | None
    try:
        state, told = _opened(path.read_bytes()), ""
    except FileNotFoundError:
        return LookState(reference=reference), ""
    except (OSError, ValueError) as error:
        state = _rebuilt(newest)
        told = f"{path}: {error}: {'begun anew' if newest is None or state is None else 'rebuilt from ' + newest.name}"
    if state is None or state.reference != reference:
        return LookState(reference=reference), told
    return state, told


def write_state(path: Path, state: LookState) -> None:
    disk = OsDisk()
    disk.mkdir(path.parent)
    data = msgspec.json.encode(state)
    sealed = _Sealed(1, hashlib.sha256(data).hexdigest(), msgspec.Raw(data))
    replace_file(disk, path, msgspec.json.encode(sealed) + b"\n")


def _opened(content: bytes) -> LookState:
    sealed = msgspec.json.decode(content, type=_Sealed)
    if hashlib.sha256(bytes(sealed.data)).hexdigest() != sealed.checksum:
        raise ValueError("its checksum does not fit")
    return msgspec.json.decode(sealed.data, type=LookState)


def _rebuilt(newest: Path | None) -> LookState | None:
    if newest is None:
        return None
    try:
        result = msgspec.json.decode(newest.read_bytes(), type=MonitoringResult)
    except (OSError, ValueError):
        return None
    return LookState(
        reference=result.reference.fingerprint,
        budget=result.budget,
        drifting=result.drift_detected,
        report=result.report,
        performance=result.performance,
        calibration=result.estimated.calibration,
        calibration_gap=result.estimated.calibration_gap,
    )
