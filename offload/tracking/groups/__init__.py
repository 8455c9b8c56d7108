"""Claims and ends of several jobs by one statement each."""
