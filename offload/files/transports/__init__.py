"""Transports: how files of jobs get from one cluster to another."""
