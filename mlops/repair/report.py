"""What a repair found and did: one complete JSON document."""

from msgspec import Struct


class ColumnReport(Struct, kw_only=True):
    """Counts are of cells in rows that stay. `read_as` is what the column was taken for."""

    name: str
    read_as: str
    missing: int = 0
    mismatched: int = 0  # text, or an infinite number, in a column of numbers
    rewritten: int = 0  # said in another way: "$5", "1,234"
    ambiguous: int = 0  # could be read in two ways: left
    outliers: int = 0
    fill: str | None = None
    low: float | None = None
    high: float | None = None
    quartiles: tuple[float, float, float] | None = None
    fixed: int = 0
    left: str = ""  # why damage was left without being told as a fault
    quarantined: str = ""  # why it was left for a person

    @property
    def issues(self) -> int:
        return self.missing + self.mismatched + self.rewritten + self.ambiguous + self.outliers


class SchemaReport(Struct, frozen=True, kw_only=True):
    path: str = ""
    checked: bool = False
    rows: int = 0
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    note: str = ""


class RepairReport(Struct, kw_only=True):
    """`status` is clean, repaired, would_repair (a dry run) or quarantined (something was; the rest is repaired)."""

    path: str
    output: str
    status: str
    timestamp: str
    rows: int
    columns: list[ColumnReport]
    duplicates: int
    quarantined_rows: int
    quarantine_file: str = ""
    fixes: int
    changed: bool
    sha256_before: str
    sha256_after: str
    rows_after: int
    backup: str = ""
    log: str = ""
    schema: SchemaReport = SchemaReport()
    notes: list[str] = []
    seconds: float

    @property
    def quarantined(self) -> list[str]:
        return [column.name for column in self.columns if column.quarantined]

    @property
    def exit_code(self) -> int:
        return 1 if self.quarantined or self.quarantined_rows or self.schema.after else 0
