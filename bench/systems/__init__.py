"""The systems that are measured: a folder each, with an adapter (in our environment), a client and a worker (in the system's own)."""
