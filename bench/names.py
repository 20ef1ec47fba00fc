"""The workloads by name. What they are is said in README.md and in the file of each."""

from __future__ import annotations

TABLE = ("W1", "W2", "W3", "W4", "W5", "W6", "W7", "W11")  # what `make bench` measures
LONG = ("W8", "W9", "W10", "W12", "W13")  # ours alone, by `make bench W=W8` and so on
PEERS = frozenset({"W1", "W2", "W3", "W4", "W5", "W6", "W7"})

OURS = "highway"
FLOOR = "floor"
