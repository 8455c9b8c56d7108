"""The sample workflow, run by each contender."""
