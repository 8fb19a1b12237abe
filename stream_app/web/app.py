"""The application: its routes, its guards, and its OpenAPI document."""

from fastapi import APIRouter, Depends, FastAPI

from stream_app.web import routes
from stream_app.web.counting import Counted
from stream_app.web.documents import COMMON, OVERVIEW, document
from stream_app.web.guards import VERSION_1, Guards
from stream_app.web.parameters import once
from stream_app.web.refusing import refuse_in_problems
from stream_app.web.site import Site


def create_app(site: Site) -> FastAPI:
    """The ASGI application that answers for a site."""
    app = FastAPI(
        title="stream-app",
        version="1",
        description=OVERVIEW,
        openapi_url=f"{VERSION_1}/openapi.json",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
    )
    app.state.site = site
    version_1 = APIRouter(prefix=VERSION_1, responses=COMMON, dependencies=[Depends(once)])
    for router in routes.VERSION_1:
        version_1.include_router(router)
    app.include_router(version_1)
    app.include_router(routes.PAGE)
    app.include_router(routes.PROBES)
    app.include_router(routes.METRICS)
    app.add_middleware(Guards, access=site.access)
    app.add_middleware(Counted)  # around the guards
    refuse_in_problems(app)
    app.openapi = lambda: document(app)  # type: ignore[method-assign] # FastAPI's documented way
    return app
