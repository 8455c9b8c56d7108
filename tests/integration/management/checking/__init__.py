"""Verbs that examine the site."""
