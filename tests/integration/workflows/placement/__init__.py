"""Where the steps of runs go."""
