"""What is asked of must be there: an answer without days is told apart from one about nothing."""

from http import HTTPStatus

from stream_app.store import models, region_days
from stream_app.store.database import Connection
from stream_app.web.problems import Refused
from stream_app.web.site import Site


async def require_known(conn: Connection, site: Site, region: str, model_id: str) -> None:
    """Refused (404) unless there is such a region, configured or stored, and such a joint model."""
    if region not in site.services.regions and not await region_days.is_stored(conn, region):
        raise Refused(HTTPStatus.NOT_FOUND, f"There is no region {region}; /api/v1/regions lists them.")
    model = site.registry.tables.get(model_id) or (await models.all_of(conn)).get(model_id)
    if model is None or model.kind != "joint":
        raise Refused(HTTPStatus.NOT_FOUND, f"There is no joint model {model_id}; /api/v1/models lists the models.")
