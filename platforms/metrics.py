"""All the ways to read the metrics of a service, behind one door."""

from platforms.prometheus import PrometheusScraper
from platforms.promql import Promql


class Metrics(PrometheusScraper, Promql):
    """Implements `MetricsReader`."""
