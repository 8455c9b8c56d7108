"""An app of a site, with a model of its own."""
