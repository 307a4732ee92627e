"""One repair of one table by one library, in a process of its own: python repair_peers.py NAME TABLE OUT -> JSON."""

import json
import resource
import sys
import time
from pathlib import Path
from typing import Any

NUMBERS, CATEGORIES = ("income", "amount", "score", "util", "age"), ("grade", "region")


def nightwarden(path: Path, out: Path) -> dict[str, Any]:
    from config.monitoring import Repair
    from mlops.places import Places
    from mlops.repair import repair_table

    report = repair_table(path, places=Places(root=out.parent), settings=Repair())
    quartiles = {column.name: column.quartiles for column in report.columns if column.name in NUMBERS}
    return {"rows": report.rows_after, "quartiles": quartiles}


def pandas(path: Path, out: Path) -> dict[str, Any]:
    import pandas as pd

    frame = pd.read_csv(path, engine="c", low_memory=False)
    for name in NUMBERS:
        frame[name] = pd.to_numeric(frame[name], errors="coerce")
    frame["opened"] = pd.to_datetime(frame["opened"], errors="coerce")
    frame = frame.drop_duplicates()
    quartiles = {name: frame[name].quantile([0.25, 0.5, 0.75]).tolist() for name in NUMBERS}
    for name in NUMBERS:
        low, middle, high = quartiles[name]
        reach = 1.5 * (high - low)
        frame[name] = frame[name].fillna(middle).clip(low - reach, high + reach)
    for name in CATEGORIES:
        frame[name] = frame[name].fillna(frame[name].mode().iloc[0])
    frame.to_csv(out, index=False)
    return {"rows": len(frame), "quartiles": quartiles}


def polars(path: Path, out: Path) -> dict[str, Any]:
    import polars as pl  # type: ignore[import-not-found, unused-ignore]  # only where it is installed

    frame = (
        pl.scan_csv(path, schema_overrides={"age": pl.Utf8})
        .with_columns(
            pl.col("age").cast(pl.Float64, strict=False),
            pl.col("opened").str.to_date("%Y-%m-%d", strict=False),
        )
        .unique()
        .collect()
    )
    quartiles = {
        name: [frame[name].quantile(share, "linear") for share in (0.25, 0.5, 0.75)] for name in NUMBERS
    }
    capped = [
        pl.col(name).fill_null(middle).clip(low - 1.5 * (high - low), high + 1.5 * (high - low))
        for name, (low, middle, high) in quartiles.items()
    ]
    modes = [pl.col(name).fill_null(pl.col(name).drop_nulls().mode().first()) for name in CATEGORIES]
    frame = frame.with_columns(*capped, *modes)
    frame.write_csv(out)
    return {"rows": len(frame), "quartiles": quartiles}


def duckdb(path: Path, out: Path) -> dict[str, Any]:
    import duckdb as db  # type: ignore[import-not-found, unused-ignore]  # only where it is installed

    connection = db.connect()
    connection.execute("set preserve_insertion_order=false")
    casts = ", ".join(f"try_cast(trim({name}) as double) as {name}" for name in NUMBERS)
    texts = ", ".join(CATEGORIES)
    connection.execute(
        f"create temp table t as select distinct try_cast(trim(id) as bigint) as id, {casts}, {texts}, "
        f"try_cast(trim(opened) as date) as opened from read_csv('{path}', all_varchar=true)"
    )
    wanted = [f"quantile_cont({name}, [.25,.5,.75]) as {name}" for name in NUMBERS]
    wanted += [f"mode({name}) as {name}" for name in CATEGORIES]
    connection.execute(f"create temp table s as select {', '.join(wanted)} from t")
    low, high = "s.{0}[1]-1.5*(s.{0}[3]-s.{0}[1])", "s.{0}[3]+1.5*(s.{0}[3]-s.{0}[1])"
    numbers = [
        f"greatest(least(coalesce(t.{n}, s.{n}[2]), {high.format(n)}), {low.format(n)}) as {n}"
        for n in NUMBERS
    ]
    categories = [f"coalesce(t.{name}, s.{name}) as {name}" for name in CATEGORIES]
    columns = ", ".join(["t.id", *numbers, *categories, "t.opened"])
    connection.execute(f"copy (select {columns} from t, s) to '{out}' (header)")
    row = connection.execute(f"select {', '.join(NUMBERS)} from s").fetchone()
    [count] = connection.execute("select count(*) from t").fetchone() or (0,)
    return {"rows": count, "quartiles": dict(zip(NUMBERS, row or (), strict=True))}


def peak_mb() -> float:
    """Of this process alone: rusage remembers what its parent held when it was forked."""
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


if __name__ == "__main__":
    chosen = {"nightwarden": nightwarden, "pandas": pandas, "polars": polars, "duckdb": duckdb}[sys.argv[1]]
    began = time.perf_counter()
    answer = chosen(Path(sys.argv[2]), Path(sys.argv[3]))
    used = resource.getrusage(resource.RUSAGE_SELF)
    answer |= {
        "wall_s": time.perf_counter() - began,
        "cpu_s": used.ru_utime + used.ru_stime,
        "peak_mb": peak_mb(),
    }
    print(json.dumps(answer))
