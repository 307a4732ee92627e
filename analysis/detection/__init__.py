"""The anomaly detector's mathematics: scores, thresholds, the forest as flat arrays."""
