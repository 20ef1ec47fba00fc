"""Reproducible benchmarks: ours, the peers that pip and npm have, and raw PostgreSQL, in turn on one private cluster. See README.md."""
