"""Why something fails: ranks the causes of an incident, by its symptoms and by what the figures around it say."""

from analysis.root_cause.ranking import UNKNOWN, Ranked, rank

__all__ = ["UNKNOWN", "Ranked", "rank"]
