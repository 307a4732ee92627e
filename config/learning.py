"""What may be learnt by itself, and the bounds of it; section `learning` of the configuration."""

from typing import Annotated

from msgspec import Meta, Struct

Positive = Annotated[float, Meta(gt=0)]
Count = Annotated[int, Meta(ge=1)]


class Learning(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Three switches, each with what it may change at most. Nothing here widens what the act gate allows."""

    adaptive_recovery_enabled: bool = True
    min_outcomes: Count = 5  # of the same kind before anything is done otherwise than without them
    boot_at_most_s: Positive = (
        300.0  # for which a boot is left alone, where boots were seen to take that long
    )
    wait_at_most_s: Positive = 60.0  # for a fault to pass by itself
    verify_at_most: Annotated[int, Meta(ge=1, le=100)] = 10  # times good_probes_to_verify
    performance_enabled: bool = True
    decay_share: Annotated[float, Meta(gt=0)] = 0.2  # slower by so much over days is told
    optimizer_enabled: bool = True
    probe_stretch_at_most: Annotated[float, Meta(ge=1, le=3)] = (
        1.75  # times interval_s, while a service is quiet
    )
    quiet_h: Positive = 24.0  # without any trouble, before a service counts as quiet
    trial_h: Positive = 24.0  # for which a setting is measured before and after a change
    false_alarms_per_day: Positive = 1.0  # of the anomaly detector, of each service, that are promised
