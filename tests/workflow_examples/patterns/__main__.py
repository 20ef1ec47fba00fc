"""Prints docs/patterns.md: ``python -m tests.workflow_examples.patterns > docs/patterns.md``."""

from __future__ import annotations

import sys

from tests.workflow_examples.patterns.page import page

if __name__ == "__main__":
    sys.stdout.write(page())
