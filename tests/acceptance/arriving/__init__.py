"""An app of the acceptance tests' site, with a workflow for files that arrive."""
