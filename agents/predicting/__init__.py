"""What the failure predictor learns from our own log of failures, and where it keeps it."""
