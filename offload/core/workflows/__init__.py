"""Values of workflows and their canvases."""
