"""Template tags of the Offloading Browser."""
