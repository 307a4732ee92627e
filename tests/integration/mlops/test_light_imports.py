import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]
HEAVY = [
    "alembic",
    "evidently",
    "fastapi",
    "mlflow",
    "pandas",
    "pandera",
    "scipy",
    "sklearn",
    "sqlalchemy",
    "starlette",
    "uvicorn",
    "xgboost",
]
PROGRAM = f"""
import importlib, sys
from pathlib import Path

for path in sorted(Path("mlops").rglob("*.py")):
    name = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    before = set(sys.modules)
    importlib.import_module(name)
    for heavy in {HEAVY}:
        if heavy in set(sys.modules) - before:
            print(f"{{name}} imports {{heavy}}")
"""


def test_no_module_of_the_life_of_models_loads_a_heavy_library_before_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], check=False, cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr, done.stdout) == (0, "", "")
