"""Beside the table of queues: the checks of its fields, and the tokens of rates."""
