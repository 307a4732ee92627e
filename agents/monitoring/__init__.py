"""The parts of the service monitor: what it remembers, how it tells one life from the next."""
