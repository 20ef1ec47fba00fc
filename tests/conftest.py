"""Fixtures for every test: see tests/support/README.md."""

pytest_plugins = ["tests.support.fixtures", "tests.support.workers", "tests.support.activity_scene"]
