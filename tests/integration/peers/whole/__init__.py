"""Runs that go whole to another cluster, and come home."""
