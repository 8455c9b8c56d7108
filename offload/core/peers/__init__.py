"""Messages between clusters that share nothing but a broker: signed, bounded and typed."""
