"""Cron under fire: simulated years in every zone whose clocks change, with schedulers that are killed at any moment."""
