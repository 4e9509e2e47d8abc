"""Networks that no installed library builds, written from their papers and the dimensions of public repositories."""
