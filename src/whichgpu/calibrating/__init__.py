"""Fits the predictor's named coefficients to measurements: a chip at a time, by the path that users run."""
