"""Changes that people make, for pages and commands alike."""
