"""Small real services that the demo runs and breaks; each runs without Nightwarden too."""
