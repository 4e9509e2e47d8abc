"""What stands for libraries, data and environments that are not installed: followers of every framework share it."""
