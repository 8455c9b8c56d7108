"""Files of jobs: what goes in, what comes out, and what is removed."""
