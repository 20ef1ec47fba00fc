"""Procrastinate: a task queue on PostgreSQL. It has no steps, events or joins, so it is measured in what a queue can do: a job is one step."""
