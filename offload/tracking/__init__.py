"""The one writer of job states: every transition is a fenced statement in here."""
