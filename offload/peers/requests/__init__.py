"""Requests to change rules: those to other clusters, and the verdicts on theirs (P13, P14)."""
