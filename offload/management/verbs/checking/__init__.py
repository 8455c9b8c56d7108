"""Verbs that examine the site and name its problems."""
