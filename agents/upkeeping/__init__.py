"""The parts of predictive maintenance: what is foreseen, when it can be prevented, what is remembered."""
