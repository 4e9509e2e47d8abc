"""The figures of the topics, computed by the program's own catalogue and predictions."""
