"""What the configuration says of services that run on Render."""

from typing import Annotated, Literal, get_args

from msgspec import Meta, Struct

from config.quantities import Count, Pace, Seconds, Text

RenderKind = Literal[
    "",
    "web_service",
    "private_service",
    "background_worker",
    "cron_job",
    "static_site",
    "postgres",
    "key_value",
]
RenderAction = Literal[
    "restart", "rollback", "freeze_auto_deploy", "redeploy_clean", "scale_out", "scale_up", "resume", "cancel_deploy",
    "restart_postgres", "failover_postgres",
]  # fmt: skip
RENDER_ACTIONS: tuple[RenderAction, ...] = get_args(RenderAction)


class RenderPlatform(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="render", tag_field="type"
):
    """Runs on Render. Without an id it is found there by the service's name."""

    id: Annotated[str, Meta(pattern=r"^((srv|crn|dpg|red)-[A-Za-z0-9-]+)?$(?!\n)", description="an id of Render such as srv-...")] = ""  # fmt: skip
    kind: RenderKind = ""  # empty: as its id says, else a service with instances of its own
    actions: tuple[RenderAction, ...] | None = (
        None  # what may be done to it; None: what the section "render" allows
    )

    @property
    def kind_of(self) -> RenderKind:
        by_id: dict[str, RenderKind] = {"crn": "cron_job", "dpg": "postgres", "red": "key_value"}
        return self.kind or by_id.get(self.id[:3], "web_service")

    @property
    def cwd(self) -> str:
        return "."

    @property
    def env(self) -> dict[str, str]:
        return {}


class RenderMetrics(
    Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="render", tag_field="type"
):
    """What Render measures of a service: memory, processor, requests, latency, instances."""

    interval_s: Seconds = 60.0


class Scale(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How far a service may grow; each step costs money."""

    max_instances: Count = 1
    plans: tuple[Text, ...] = ()  # from small to large; one step at a time


class Render(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is discovered on Render (RENDER_MODE=true), and what may be done there."""

    include: tuple[Text, ...] = ("*",)  # patterns of names
    exclude: tuple[Text, ...] = ()
    owner: str = ""  # id of a workspace; empty: all that the key may see
    environment: str = ""  # id of an environment; empty: all
    actions: tuple[RenderAction, ...] = RENDER_ACTIONS
    probe_interval_s: Pace = 30.0
    discover_s: Seconds = 300.0
    start_timeout_s: Seconds = 120.0
    autonomy: Literal["observe", "suggest", "earned", "auto"] = "earned"
    scale: Scale | None = None  # of each discovered service
