"""Jobs that travel: envelopes, clones, reports, and what each side does about them."""
