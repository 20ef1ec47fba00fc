"""The one router of workflows: two routers could not share an address for two methods."""

from highway_platform.kit.rest.router import SecuredRouter

router = SecuredRouter()
