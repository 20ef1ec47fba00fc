"""`sql/schema.sql` is what the migrations make."""

from __future__ import annotations

from launch.commands import CHECKOUT
from launch.schema import dump
from tests.support.databases import Database


def test_the_schema_file_is_what_the_migrations_make(module_database: Database) -> None:
    session = module_database.session
    made = dump(session.programs, session.server, module_database.name)
    written = (CHECKOUT / "sql" / "schema.sql").read_text()
    assert made == written, "run `make schema` and look at what it changes"
