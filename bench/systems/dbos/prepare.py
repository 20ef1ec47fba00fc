"""DBOS's schema, made by a first launch: ``python -m bench.systems.dbos.prepare URL``."""

from __future__ import annotations

import sys

from dbos import DBOS

from bench.systems.dbos.app import launch

if __name__ == "__main__":
    launch(sys.argv[1], "0")
    DBOS.destroy()
