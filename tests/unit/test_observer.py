"""The observer keeps what the page shows, within bounds."""

from datetime import UTC, datetime

from agents.events import ServiceSampled
from scripts.observer import METRICS_KEPT, Observer


def observer() -> Observer:
    return Observer(str, lambda at: datetime.fromtimestamp(at, UTC), None)


def test_the_newest_value_of_each_metric_is_kept() -> None:
    watching = observer()
    for value in (1.0, 2.0):
        watching.handle(ServiceSampled(service="shop", names=("rss_mib",), values=(value,), at=value))
    assert watching.samples == {"shop": {"rss_mib": (2.0, 2.0)}}


def test_label_values_that_change_all_the_time_do_not_fill_memory() -> None:
    watching = observer()
    for n in range(60):
        names = tuple(f'hits{{id="{n}-{k}"}}' for k in range(1000))
        watching.handle(ServiceSampled(service="shop", names=names, values=(1.0,) * 1000))
        assert len(watching.samples["shop"]) <= METRICS_KEPT + 1000
    assert len(watching.samples["shop"]) < 60_000
