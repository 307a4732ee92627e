"""The parts of the incident's owner: records, transitions, verification, words."""
