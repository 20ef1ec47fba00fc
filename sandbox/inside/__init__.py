"""Programs that run behind the wall. They import nothing of ours: only the standard library is there."""
