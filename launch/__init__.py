"""From a fresh machine to a running platform: bootstrap, a PostgreSQL of our own, the launcher of `make run`.

Knows the rest of the project only by its commands and its REST API; nothing of the project imports it.
"""
