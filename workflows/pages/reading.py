"""One transaction for everything that a page reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.http import Http404

from engine import facade
from highway_platform.kit.permissions import Grant
from highway_platform.kit.tenancy import tenant_transaction


@contextmanager
def reading(grant: Grant) -> Iterator[Any]:
    """The engine's connection for the grant's tenant. What is not there, or is another tenant's, is a 404 either way."""
    try:
        with tenant_transaction(grant.tenant_id) as connection:
            yield connection
    except facade.NotFoundError as missing:
        raise Http404 from missing
