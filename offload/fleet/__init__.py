"""Who is there and may run what: membership, leadership, rules, and the snapshot of it all."""
