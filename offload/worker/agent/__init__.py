"""The process beside a worker: it announces it, holds its database connections, and may lead."""
