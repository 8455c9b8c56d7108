"""Questions that people ask about the cluster: answered once for pages, commands and JSON."""
