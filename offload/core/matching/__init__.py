"""Requirements of jobs, compared with the properties and labels of instances."""
