"""Reading many runs at once: tasks, figures, queues, logs. Whatever a tenant's past, each answer reads a bounded number of rows."""
