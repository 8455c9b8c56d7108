"""The database as offload uses it: its dialects, prepared statements, deadlocks begun anew."""
