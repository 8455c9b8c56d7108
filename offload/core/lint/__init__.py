"""The lint: problems of consumers, rules and queues as they stand, whatever waits."""
