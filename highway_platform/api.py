"""The one REST API, mounted at /api/v1. Each app brings its router."""

from __future__ import annotations

from ninja import NinjaAPI

from highway_platform.kit.rest.docs import DocsPage
from highway_platform.kit.rest.handlers import install_handlers
from highway_platform.kit.rest.parsing import StrictParser
from highway_platform.system_api import router as system
from workflows.api import router as workflows

api = NinjaAPI(
    title="Highway Platform",
    version="1",
    description="Durable workflows: submit, watch, steer.",
    docs=DocsPage(),
    docs_url="/docs",
    urls_namespace="api",
    parser=StrictParser(),
)
install_handlers(api)
api.add_router("", system)
api.add_router("", workflows)
