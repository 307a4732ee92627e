"""What runs agents: runner, one life of an agent, its cell, and the care for all of them."""
