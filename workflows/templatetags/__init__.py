"""Template tags of runs and their states."""
