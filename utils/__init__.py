"""Plumbing that knows nothing of the domain: bus, journal, snapshots, clock, logs."""
