"""Admission: how many more jobs of a queue may start now, and which come next."""
