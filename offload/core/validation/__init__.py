"""What people give, checked."""
