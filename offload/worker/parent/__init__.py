"""The parent process of a worker: it never opens a database connection."""
