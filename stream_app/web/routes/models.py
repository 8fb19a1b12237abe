"""The models."""

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from schemas import DIM
from stream_app.store import models
from stream_app.store.database import connection
from stream_app.store.models import Model
from stream_app.web.answering import answer
from stream_app.web.answers.operations import ModelList, ModelTold
from stream_app.web.documents import documented
from stream_app.web.parameters import Parameters
from stream_app.web.site import Site, TheSite

router = APIRouter(tags=["models"])


@router.get("/models", **documented(ModelList, "The models, in the order of the files."))
async def list_models(request: Request, site: TheSite, _: Annotated[Parameters, Query()]) -> Response:
    """The models of the packaged file, of models_file and of the database, in use or not."""
    async with connection(site.services.pool) as conn:
        stored = await models.all_of(conn)
    return answer(request, ModelList(models=[*_of_files(site, stored), *_of_database(site, stored)]))


def _of_files(site: Site, stored: dict[str, Model]) -> list[ModelTold]:
    used = site.services.models
    in_use = {used.text.model_id, *(model.model_id for model in used.registered)}
    return [
        ModelTold(
            model_id=table.model_id,
            kind=table.kind,
            algorithm=table.algorithm,
            inputs=table.inputs,
            dim=DIM,
            in_use=table.model_id in in_use,
            fingerprint=stored[table.model_id].fingerprint if table.model_id in stored else None,
        )
        for table in site.registry.tables.values()
    ]


def _of_database(site: Site, stored: dict[str, Model]) -> list[ModelTold]:
    """Those that no file has any more."""
    return [
        ModelTold(
            model_id=model.model_id,
            kind=model.kind,
            algorithm=None,
            inputs=(),
            dim=model.dim,
            in_use=False,
            fingerprint=model.fingerprint,
        )
        for model_id, model in sorted(stored.items())
        if model_id not in site.registry
    ]
