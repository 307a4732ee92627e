"""Processes as the system shows them: tables, marks, groups, exits, output."""
