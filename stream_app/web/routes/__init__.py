"""The routes, one module a resource."""

from stream_app.web.routes import contexts, health, regions

VERSION_1 = (regions.router, contexts.router, health.router)
"""Those of the API's version 1."""
PROBES = health.probes
"""Those of the server itself, which need no token."""
