"""Views of the topology, their differences, and the events of listeners in a fixed order."""
