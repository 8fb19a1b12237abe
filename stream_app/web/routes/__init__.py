"""The routes, one module a resource."""

from stream_app.web.routes import (
    analogues,
    charts,
    contexts,
    events,
    health,
    letters,
    metrics,
    models,
    page,
    pipeline,
    regions,
)

VERSION_1 = tuple(
    module.router for module in (regions, contexts, analogues, charts, models, letters, pipeline, events, health)
)
"""Those of the API's version 1."""
PAGE = page.router
"""The dashboard, which needs no token itself."""
PROBES = health.probes
"""Those of the server itself, which need no token."""
METRICS = metrics.router
"""What Prometheus asks."""
