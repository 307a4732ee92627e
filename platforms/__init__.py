"""What Nightwarden watches and acts on: processes, probes, metrics, files."""
