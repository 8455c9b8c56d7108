"""Parsers for arguments of the command line."""
