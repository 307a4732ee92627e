"""Training with tracking, confidence intervals and a backup of what was there."""
