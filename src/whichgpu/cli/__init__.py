"""The command line. It asks and shows; what it shows is computed elsewhere."""
