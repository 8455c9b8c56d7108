"""What follows an end: callbacks, the next step of a chain, joins."""
