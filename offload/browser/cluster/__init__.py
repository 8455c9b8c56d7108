"""Pages about the cluster."""
