"""PENDING → QUEUED: what is bound, within the windows of instances and the limits of queues."""
