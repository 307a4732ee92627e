"""The mathematics that agents use: pure functions and small classes, no input or output."""
