"""The parts of the root-cause engine: what it remembers, how it sees a service."""
