"""How people are told and heard: the notifier's own parts."""
