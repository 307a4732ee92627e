"""Where the files of models and their data lie, relative to one root."""

from pathlib import Path

from msgspec import Struct


class Places(Struct, frozen=True):
    """The folders below `root`; nothing is created before it is written to."""

    root: Path

    def table(self, path: str) -> Path:
        """A table by the path that the configuration gives it; an absolute one stays as it is."""
        return self.root / path

    @property
    def schemas(self) -> Path:
        return self.root / "data" / "schemas"

    @property
    def backups(self) -> Path:
        return self.root / "data" / "backups"

    @property
    def quarantine(self) -> Path:
        return self.root / "data" / "quarantine"

    @property
    def repairs(self) -> Path:
        return self.monitoring / "repairs"

    @property
    def audit(self) -> Path:
        return self.monitoring / "audit.jsonl"

    @property
    def models(self) -> Path:
        return self.root / "models"

    @property
    def monitoring(self) -> Path:
        return self.root / "monitoring"

    @property
    def alerts(self) -> Path:
        return self.root / "alerts"

    @property
    def rollback_log(self) -> Path:
        return self.models / "rollback_log.json"

    @property
    def retraining_log(self) -> Path:
        return self.root / ".github" / "triggers" / "retraining_log.json"

    @property
    def recovery_log(self) -> Path:
        return self.monitoring / "recovery_log.json"

    @property
    def drift_alert(self) -> Path:
        return self.alerts / "drift_alert.json"

    @property
    def mlflow(self) -> Path:
        return self.models / "mlflow"

    def model_backups(self, name: str) -> Path:
        return self.models / "backups" / name

    def model(self, name: str) -> Path:
        return self.models / name

    def pointer(self, name: str) -> Path:
        return self.models / name / "pointer.json"

    def version(self, name: str, version: int) -> Path:
        return self.models / name / "versions" / str(version)

    def reference(self, name: str) -> Path:
        return self.monitoring / "reference" / f"{name}.npz"

    def predictions(self, name: str) -> Path:
        return self.monitoring / "predictions" / name

    def labels(self, name: str) -> Path:
        return self.monitoring / "labels" / name

    @property
    def results(self) -> Path:
        return self.monitoring / "metrics" / "monitoring_results"

    @property
    def drift_reports(self) -> Path:
        return self.monitoring / "reports" / "drift_reports"

    def look_state(self, name: str) -> Path:
        return self.monitoring / "state" / f"{name}.json"
