"""A site whose workers the acceptance tests start, kill and watch."""
