"""Public clients that this project did not write, unchanged, against a real server and a real worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.integration.api.client import Client
from tests.integration.api.conftest import make_key
from tests.integration.clients.environment import DriverProgram, client_python
from tests.support.stack import Stack


@pytest.fixture(scope="module")
def api(live: Stack) -> Client:
    """The plain client, holding the key that the public clients use too."""
    live.manage("create_tenant", "acme")
    return Client(live.url, make_key(live, "acme", "--role", "workflow_author"))


@pytest.fixture
def driver_program(api: Client, tmp_path: Path) -> DriverProgram:
    """Runs programs that use `highway`."""
    return DriverProgram(client_python(), api.url, api.key, tmp_path)
