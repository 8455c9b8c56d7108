"""How fast the jobs of a queue begin, and at which times of the week."""
