"""A subprocess in which a script runs under limits: ``launching`` stands outside it, all else inside."""
