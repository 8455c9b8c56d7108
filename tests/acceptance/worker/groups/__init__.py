"""Jobs that are claimed and ended in groups, while parts of the worker die."""
