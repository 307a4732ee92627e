"""The parts of the agents that learn: what each keeps, and what it says of it."""
