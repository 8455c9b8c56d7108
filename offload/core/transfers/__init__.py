"""Files on their way between clusters: what is carried, how, within which limits; all pure."""
