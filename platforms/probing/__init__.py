"""How probes ask, and in which rounds."""
