"""Transfers of jobs' files to and from other clusters: their rows, and who does them."""
