"""Tables of other clusters, and of what travels between them and this one."""
