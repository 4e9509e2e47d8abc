"""Which GPU should I choose for my AI workload? Ranked, explained, offline."""
