"""What the leader does for all."""
