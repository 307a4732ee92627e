"""Retraining on drift as an Airflow DAG, over the same functions as the daemon and the scripts.

Airflow pins libraries of its own, so each task runs in the project's interpreter: NIGHTWARDEN_PYTHON, by default that of
.venv beside this folder. NIGHTWARDEN_ROOT is where config/, data/ and models/ lie; NIGHTWARDEN_DAG_SCHEDULE a cron line.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from airflow.sdk import Param, dag, task

HERE = Path(__file__).resolve().parents[1]
ROOT = os.environ.get("NIGHTWARDEN_ROOT", str(HERE))
PYTHON = os.environ.get("NIGHTWARDEN_PYTHON", str(HERE / ".venv" / "bin" / "python"))


@dag(
    dag_id="retraining_pipeline",
    schedule=os.environ.get("NIGHTWARDEN_DAG_SCHEDULE", "@hourly"),
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    catchup=False,
    max_active_runs=1,  # two at once would train against each other
    default_args={
        "retries": int(os.environ.get("NIGHTWARDEN_DAG_RETRIES", "2")),
        "retry_delay": timedelta(minutes=1),
        "execution_timeout": timedelta(hours=2),
    },
    params={
        "model": Param(
            "", type="string", description="a model of config/monitoring_config.json; empty: the default one"
        )
    },
    tags=["models", "self-healing"],
    doc_md=__doc__,
)
def retraining_pipeline() -> None:
    """repair -> look -> (drift asks for it) -> retrain; beside it, judge what waits for labels."""

    @task.external_python(python=PYTHON, expect_airflow=False)
    def repair_data(model: str, root: str) -> dict:
        from mlops.pipeline import repair

        return repair(model, root)

    @task.external_python(python=PYTHON, expect_airflow=False)
    def look_for_drift(model: str, root: str) -> dict:
        from mlops.pipeline import look

        return look(model, root)

    @task.short_circuit
    def drift_asks_for_it(found: dict) -> bool:
        return bool(found["retrain"])

    @task.external_python(python=PYTHON, expect_airflow=False)
    def retrain_shadow(model: str, root: str, found: dict) -> dict:
        from mlops.pipeline import retrain

        return retrain(model, root, found["drift_score"])

    @task.external_python(python=PYTHON, expect_airflow=False)
    def judge_shadow(model: str, root: str) -> dict:
        from mlops.pipeline import judge

        return judge(model, root)

    model = "{{ params.model }}"
    found = look_for_drift(model, ROOT)
    repair_data(model, ROOT) >> found
    judge_shadow(model, ROOT) >> found
    drift_asks_for_it(found) >> retrain_shadow(model, ROOT, found)


retraining_pipeline()
