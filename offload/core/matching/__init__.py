"""What a job asks of the properties and labels of an instance, compared with what it has."""
