"""One claimed task, from its claim to exactly one exit: finished, suspended, or handed back."""
