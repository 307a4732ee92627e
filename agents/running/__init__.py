"""What runs agents: runner, one life of an agent, its cell, its silence."""
