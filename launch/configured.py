"""What an operator has set: the variables first, then config.ini. The platform's settings read the same names."""

from __future__ import annotations

import configparser
import os
from pathlib import Path

from launch.commands import CHECKOUT
from launch.refusal import Refusal

DEFAULT_CONFIG = Path("/etc/highway/config.ini")
DATABASE_KEYS = {
    "HIGHWAY_DATABASE_URL": "url",
    "HIGHWAY_MIGRATE_DATABASE_URL": "migrate_url",
    "HIGHWAY_WORKER_DATABASE_URL": "worker_url",
}


def home() -> Path:
    """The folder of everything that is kept between starts."""
    return Path(_value("HIGHWAY_HOME", "paths", "home") or CHECKOUT / "var").absolute()


def database() -> dict[str, str] | None:
    """The configured server's URL for each role; None when no server is configured, so that an embedded one serves."""
    urls = {variable: _value(variable, "database", key) for variable, key in DATABASE_KEYS.items()}
    missing = [variable for variable, url in urls.items() if not url]
    if len(missing) == len(urls):
        return None
    if missing:
        raise Refusal(f"a database server is configured, but not for every role: set {' and '.join(missing)} too")
    return {variable: str(url) for variable, url in urls.items()}


def _value(variable: str, section: str, key: str) -> str | None:
    return os.environ.get(variable) or _file().get(section, key, fallback=None)


def _file() -> configparser.ConfigParser:
    path = Path(os.environ.get("HIGHWAY_CONFIG") or DEFAULT_CONFIG)
    parser = configparser.ConfigParser(interpolation=None)
    try:
        parser.read(path)
    except (configparser.Error, OSError) as error:
        raise Refusal(f"cannot read {path}: {' '.join(str(error).split())}") from error
    return parser
