"""R13: known bugs, one patch each, that the suite has to catch. See `plant` and `python -m tests.crash.planted`."""
