#!/usr/bin/env python
"""Start of every command."""

import os
import sys


def main() -> None:
    """Run the command that the command line names. Without DJANGO_SETTINGS_MODULE the settings are those for development."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "highway_platform.settings.dev")
    from django.core.management import execute_from_command_line  # noqa: PLC0415 - settings are named above

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
