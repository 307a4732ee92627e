"""Measures what Nightwarden promises, each time beside a peer or a limit in the same run: python -m benchmarks."""
