"""``peers``: other clusters, the switches between them and this one, and requests to them."""
