"""What the anomaly detector learns per service, and where it keeps it."""
