"""The chaos suite: scenarios, scoring, reports."""
