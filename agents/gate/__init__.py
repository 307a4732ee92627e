"""The parts of the act gate: its table of limits, its books, its doubt of ourselves."""
