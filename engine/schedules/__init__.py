"""Durable cron: what is due, what becomes of it, and the one transaction in which a tick, its run and its successor are written."""
