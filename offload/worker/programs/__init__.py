"""External programs that runs start: command, environment, process, output and files."""
