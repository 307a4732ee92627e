"""Decides, from what the first pass counted, what each column needs, and what must not be touched."""

import math
import re
from collections.abc import Iterator, Mapping

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from config.monitoring import Repair
from mlops.repair import numerals, terms
from mlops.repair.duplicates import Kept
from mlops.repair.quantiles import Floats, Summary
from mlops.repair.report import ColumnReport
from mlops.repair.scan import Scan
from mlops.repair.style import Style

_IDENTIFIER = re.compile(r"(?i:(?:^|.*[_\s-])(?:id|uuid|guid)|index|key|unnamed: 0)|.*[a-z](?:Id|ID|UUID)")
_SKEWED = 0.1  # of Bowley's measure: 0 is symmetric, 0.26 an exponential distribution
_FEW = 10  # different whole numbers: codes or small counts, capped to one that occurs
_LEAST = 4  # values that have quartiles worth the name
_SEQUENCE = 20  # rows after which ever rising whole numbers are no coincidence
PROTECTED = "target", "time"  # damage in these is for a person


class Change(Struct, kw_only=True):
    """What the second pass does to a column; None: nothing."""

    fill: bytes | None = None
    low: float = -math.inf
    high: float = math.inf
    low_text: bytes = b""
    high_text: bytes = b""
    style: Style | None = None


class Plan(Struct):
    changes: dict[int, Change]
    reports: list[ColumnReport]
    again: dict[int, bool]  # columns that were read as the wrong kind, and whether they hold numbers


def decide(scan: Scan, kept: Kept, settings: Repair, roles: Mapping[str, str]) -> Plan:
    """`roles` names columns that are not repaired: target, time, ignored."""
    plan = Plan({}, [], {})
    for index, name in enumerate(scan.shape.names):
        role = roles.get(name, "")
        if scan.spill.numeric[index]:
            report, change = _number(scan, kept, index, settings, role, plan)
        else:
            report, change = _text(scan, kept, index, settings, role, plan)
        plan.reports.append(report)
        if change is not None and not report.quarantined:
            plan.changes[index] = change
    return plan


# --- columns of numbers ---


def _number(
    scan: Scan, kept: Kept, index: int, settings: Repair, role: str, plan: Plan
) -> tuple[ColumnReport, Change | None]:
    notes = np.zeros(256, np.int64)
    summary = Summary(lambda: _numbers(scan, kept, index), scan.spill.rows)
    for cells, shown in _cells(scan, kept, index):
        notes += np.bincount(shown, minlength=256)
        summary.add(cells[~np.isnan(cells)])
    rows = int(notes.sum())
    report = ColumnReport(name=scan.shape.names[index], read_as="number")
    report.missing, report.mismatched = int(notes[numerals.MISSING]), int(notes[numerals.UNREADABLE])
    report.rewritten, report.ambiguous = int(notes[numerals.OTHER_WAY]), int(notes[numerals.AMBIGUOUS])
    values = rows - report.missing - report.mismatched - report.ambiguous
    if values < settings.max_damage_share * (rows - report.missing):
        plan.again[index] = False
        return report, None
    if _unwanted(report, rows, settings, role) or values == 0:
        return report, None
    if rows >= _SEQUENCE and _rises(scan, kept, index):
        return _untouched(report, "sequence", "an ever rising number is not guessed"), None
    style = Style.of(notes, summary.whole, values)
    return report, _change(report, summary, style, settings, rows)


def _unwanted(report: ColumnReport, rows: int, settings: Repair, role: str) -> bool:
    """Whether the column is not to be repaired, with the reason in the report."""
    damaged = report.missing + report.mismatched + report.ambiguous
    if role:
        if role in PROTECTED:
            _untouched(report, role, f"the {role} is never guessed")
        else:
            report.read_as, report.left = role, "declared as ignored"
    elif _IDENTIFIER.fullmatch(report.name):
        _untouched(report, "identifier", "an identifier is never guessed")
    elif damaged > settings.max_damage_share * rows:
        share = f"{damaged / rows:.0%} of its cells are missing or unreadable"
        report.quarantined = f"{share}, more than {settings.max_damage_share:.0%}: a repair would be a guess"
    else:
        return False
    return True


def _untouched(report: ColumnReport, read_as: str, why: str) -> ColumnReport:
    report.read_as = read_as
    if report.missing + report.mismatched + report.ambiguous:
        report.quarantined = f"it has cells without a value, and {why}"
    elif report.rewritten:
        report.left = why
    return report


def _change(report: ColumnReport, summary: Summary, style: Style, settings: Repair, rows: int) -> Change:
    median = summary.median()
    few = summary.distinct(_FEW)
    if few is not None and len(few.values) <= 2:
        middle = float(few.values[np.argmax(few.counts)])
        report.read_as = "constant" if len(few.values) == 1 else "binary"
    else:
        middle = float(style.text(median))
    bare_first, bare_third = summary.quantiles((0.25, 0.75))
    summary.settle(middle)
    change = Change(fill=style.text(middle), style=style)
    first, third = summary.quantiles((0.25, 0.75))
    report.quartiles = (first, middle, third)
    if report.missing + report.mismatched:
        report.fill = style.text(middle).decode()
    spread = bare_first < bare_third and first < third
    if report.read_as == "number" and summary.count >= _LEAST and spread:
        only = few.values if few is not None and style.whole else None
        _fences(report, change, summary, style, settings, only, rows)
    return change


def _fences(
    report: ColumnReport,
    change: Change,
    summary: Summary,
    style: Style,
    settings: Repair,
    only: Floats | None,
    rows: int,
) -> None:
    assert report.quartiles is not None
    first, middle, third = report.quartiles
    low, high = fences(first, middle, third, settings.fence_iqr)
    low_text, high_text = style.text(low, up=True), style.text(high, up=False)
    if only is not None:
        inside = only[(only >= low) & (only <= high)]
        low_text, high_text = style.text(float(inside[0])), style.text(float(inside[-1]))
    if float(low_text) > first or float(high_text) < third:
        return
    report.low, report.high = low, high
    beyond = summary.beyond(low, high)
    if beyond > max(1, int(settings.max_capped_share * rows)):  # rows are as many before and after
        share = f"{beyond / rows:.1%} of its cells lie beyond the fences"
        report.left = (
            f"{share}, more than {settings.max_capped_share:.0%}: that is its nature, nothing is capped"
        )
        return
    report.outliers = beyond
    change.low, change.high, change.low_text, change.high_text = low, high, low_text, high_text


def fences(first: float, middle: float, third: float, reach: float) -> tuple[float, float]:
    """Tukey's; where the middle half is skewed to the right, the upper one is that of the logarithms.

    >>> fences(2.0, 3.0, 4.0, 1.5)
    (-1.0, 7.0)
    >>> fences(1.0, 2.0, 4.0, 1.5)
    (-3.5, 32.0)
    """
    width = third - first
    low, high = first - reach * width, third + reach * width
    if first > 0 and width > 0 and (first + third - 2 * middle) / width >= _SKEWED:
        high = max(high, third * (third / first) ** reach)
    return low, high if math.isfinite(high) else math.inf


def _rises(scan: Scan, kept: Kept, index: int) -> bool:
    """Whether the column counts up or down, in whole numbers, over all rows that stay."""
    last, ways = math.nan, set()
    for values in _numbers(scan, kept, index):
        steps = np.diff(values, prepend=last) if last == last else np.diff(values)
        if len(values) and (np.any(steps == 0) or np.any(values != np.floor(values))):
            return False
        ways |= set(np.unique(np.sign(steps)).tolist())
        if len(ways) > 1:
            return False
        last = float(values[-1]) if len(values) else last
    return len(ways) == 1


# --- columns of text ---


def _text(
    scan: Scan, kept: Kept, index: int, settings: Repair, role: str, plan: Plan
) -> tuple[ColumnReport, Change | None]:
    found = scan.terms[index]
    counts = np.zeros(len(found.texts) + 1, np.int64)
    rows = 0
    for number, batch in enumerate(scan.spill.batches):
        codes, gone = scan.spill.codes(batch, index), kept.gone(number)
        codes = codes if gone is None else codes[~gone]
        rows += len(codes)
        counts += np.bincount(codes[codes < len(counts)], minlength=len(counts))
    report = ColumnReport(name=scan.shape.names[index], read_as="text", missing=int(counts[terms.ABSENT]))
    tried, numbers = scan.tried[index], scan.numbers[index]
    if tried and numbers > (1 - settings.max_damage_share) * tried:
        plan.again[index] = True
        return report, None
    values = rows - report.missing
    category = not found.free and counts[1:].any() and 2 * np.count_nonzero(counts[1:]) <= values
    report.read_as = "category" if category else "text"
    if not report.missing:
        return report, None
    if not category and not role and values and report.missing <= settings.max_damage_share * rows:
        report.left = "free text: an empty cell is left as it is"
        return report, None
    if _unwanted(report, rows, settings, role):
        return report, None
    best = max(range(1, len(counts)), key=lambda code: (int(counts[code]), found.texts[code - 1]))
    report.fill = found.texts[best - 1].decode("utf-8", "replace")
    return report, Change(fill=found.texts[best - 1])


# --- the spilled cells of the rows that stay ---


def _cells(scan: Scan, kept: Kept, index: int) -> Iterator[tuple[Floats, NDArray[np.uint8]]]:
    for group in scan.spill.groups():
        parts = []
        for number in group:
            values, shown = scan.spill.values(scan.spill.batches[number], index)
            gone = kept.gone(number)
            parts.append((values, shown) if gone is None else (values[~gone], shown[~gone]))
        yield np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts])


def _numbers(scan: Scan, kept: Kept, index: int) -> Iterator[Floats]:
    for values, _ in _cells(scan, kept, index):
        yield values[~np.isnan(values)]
