"""Writes measured tables into docs/benchmarks.md; what was not measured this time stays as it was."""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.report import Table, markdown

_PART = re.compile(r"<!-- (\w+) -->\n.*?<!-- end -->", re.DOTALL)


def write_page(path: Path, results: Mapping[str, Sequence[Table]], where: str, *, quick: bool) -> None:
    """Between `<!-- NAME -->` and `<!-- end -->` stands what that benchmark measured last."""
    stamp = f"Measured {datetime.now(UTC):%Y-%m-%d} on {where}{'; a quick run' if quick else ''}."

    def part(match: re.Match[str]) -> str:
        tables = results.get(match[1])
        if tables is None:
            return match[0]
        body = "\n".join(markdown(table) for table in tables)
        return f"<!-- {match[1]} -->\n{stamp} `python -m benchmarks {match[1]}`\n\n{body}<!-- end -->"

    path.write_text(_PART.sub(part, path.read_text()))
