"""A definition that was sound for a tenant is not checked again for it."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from engine import facade
from engine.facade import language
from tests.support.runs import ONE_TASK


@pytest.fixture
def checks(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What was really checked."""
    asked: list[Any] = []
    check = language.check
    monkeypatch.setattr(language, "check", lambda *arguments: asked.append(arguments) or check(*arguments))
    return asked


def test_what_a_tenant_brings_again_is_remembered_for_it_alone(checks: list[Any]) -> None:
    one, other = uuid4(), uuid4()
    for tenant in (one, one, other, other, None, None):
        assert facade.check_definition(ONE_TASK, tenant_id=tenant) == []
    assert len(checks) == 4, "once for each tenant, and each time for nobody"


def test_other_inputs_are_another_question(checks: list[Any]) -> None:
    tenant, (name, task) = uuid4(), next(iter(ONE_TASK["tasks"].items()))
    needing = ONE_TASK | {"tasks": {name: task | {"args": ["{{who}}"]}}}
    assert facade.check_definition(needing, ["who"], tenant_id=tenant) == []
    assert [found.severity for found in facade.check_definition(needing, [], tenant_id=tenant)] == ["error"]
    assert facade.check_definition(needing, ["who"], tenant_id=tenant) == []
    assert len(checks) == 2


def test_what_was_wrong_is_checked_each_time_and_what_is_not_json_is_said_to_be_wrong(checks: list[Any]) -> None:
    tenant = uuid4()
    for wrong in ({"name": "x"}, ONE_TASK | {"description": float("nan")}):
        assert facade.check_definition(wrong, tenant_id=tenant) == facade.check_definition(wrong, tenant_id=tenant)
    assert len(checks) == 4
