"""The append-only log of predictions, and labels that come later."""
