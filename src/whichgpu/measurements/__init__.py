"""Published rows into workloads, boards and quantities in SI."""
