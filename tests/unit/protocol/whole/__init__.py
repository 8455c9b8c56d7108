"""The model of P15: a run that is one job in another cluster."""
