"""A job's life from its claim on: claims, ends, losses, and what people ask of it."""
