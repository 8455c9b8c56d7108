"""Beginnings and ends of several attempts in one transaction each."""
