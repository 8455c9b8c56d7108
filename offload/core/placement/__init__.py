"""Where a job may run: the topology as values, and the decision."""
