"""The parts of the chaos controller."""
