"""The failure predictor's mathematics: features, calibrated thresholds, trends to a limit."""
