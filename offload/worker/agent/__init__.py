"""The agent: a process beside a worker that announces it, talks to the database, and may lead."""
