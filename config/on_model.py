"""What the configuration says of models that are watched like services."""

from msgspec import Struct

from config.quantities import Text

MODEL_STEPS = frozenset({"repair_data", "retrain", "rollback_model"})


class ModelPlatform(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="model", tag_field="type"
):
    """A model of config/monitoring_config.json: its data, its drift and its true performance are its health."""

    model: str = ""  # its name there; empty: as the service is called
    config: Text = "config/monitoring_config.json"  # relative to the daemon's working directory
    root: Text = "."  # where data/, models/ and monitoring/ lie

    @property
    def cwd(self) -> str:
        return self.root

    @property
    def env(self) -> dict[str, str]:
        return {}
