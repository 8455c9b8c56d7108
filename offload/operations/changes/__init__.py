"""Changes of rules, switches and queues: asked for as values, previewed, applied and recorded."""
