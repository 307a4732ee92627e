"""Telegram as a means of telling and asking: living messages, presses, commands. What they say is the notifier's."""
