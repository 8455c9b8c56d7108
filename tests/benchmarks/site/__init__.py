"""The site that the benchmark runs: one settings module, told by the environment who it is."""
