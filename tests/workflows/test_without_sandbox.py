"""On a machine that cannot sandbox: workers refuse to start, Python source is refused as the server's problem and not the author's."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from django.test import RequestFactory

from highway_platform.api import api
from launch.commands import CHECKOUT, worker
from sandbox.errors import SandboxUnavailable
from tests.support.databases import Database
from workflows.pages.start import check


@pytest.fixture
def nothing_to_find(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))


@pytest.mark.usefixtures("nothing_to_find")
def test_a_worker_does_not_start(database: Database) -> None:
    done = subprocess.run(
        worker(), cwd=CHECKOUT, env=database.environment(), capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert "is missing: install it with `apt-get install" in line


@pytest.mark.usefixtures("nothing_to_find")
def test_the_page_says_that_it_is_not_the_source() -> None:
    [problem] = check("workflow = None", "python").problems
    assert problem.code == "sandbox_unavailable"


def test_the_api_answers_503_and_keeps_the_machine_to_itself() -> None:
    request = RequestFactory().post("/api/v1/workflows")
    answer = api.on_exception(request, SandboxUnavailable("bwrap is missing on this machine"))
    assert answer.status_code == 503
    told = json.loads(answer.content)
    assert told["code"] == "sandbox_unavailable"
    assert "bwrap" not in told["message"]
