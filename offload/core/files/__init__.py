"""Files of jobs: pure decisions about them."""
