"""Models as data: encoders and scorers that load from JSON and arrays, never from a pickle."""
