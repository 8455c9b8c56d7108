"""``resources``: countable things that are not instances, and who uses them."""
