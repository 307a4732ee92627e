"""The decision whether data drifted: three verdicts, one budget of false alarms."""
