"""The OpenAPI document: FastAPI's, with the schemas of the structs that the routes answer with."""

from collections.abc import Mapping
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from stream_app.web import answers
from stream_app.web.answering import JSON
from stream_app.web.problems import MEDIA_TYPE, Problem

OVERVIEW = """Joint regime contexts, how they came to be, and what the pipeline is doing. Everything is only read.

Answers have an `ETag`, but for `/events`, `/health` and this document; with `If-None-Match` they are 304 while nothing
has changed. What goes wrong is `application/problem+json` (RFC 9457). Days are YYYY-MM-DD, instants are ISO 8601 with
an offset, in UTC.
"""
TOKEN = "token"
"""What the document calls the bearer token; a server that only its own machine reaches may ask for none."""
REFERENCE = "#/components/schemas/{name}"


def documented(
    kind: type[msgspec.Struct],
    told: str,
    also: Mapping[str, Any] | None = None,
    otherwise: Mapping[int, str] | None = None,
    problems: Mapping[int, str] | None = None,
) -> dict[str, Any]:
    """What a route's decorator says of its answer: a struct as JSON, `also` in other media types with their schemas.

    `otherwise` are other statuses with the same struct, `problems` those of this route alone.
    """
    content = {JSON: {"schema": {"$ref": REFERENCE.format(name=kind.__name__)}}}
    others = {media_type: {"schema": schema} for media_type, schema in (also or {}).items()}
    responses = {200: {"description": told, "content": content | others}}
    responses |= {status: {"description": words, "content": content} for status, words in (otherwise or {}).items()}
    responses |= {status: _problem(words) for status, words in (problems or {}).items()}
    return {"response_model": None, "responses": responses}


def _problem(told: str) -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(name=Problem.__name__)}
    return {"description": told, "content": {MEDIA_TYPE: {"schema": schema}}}


COMMON: dict[int | str, dict[str, Any]] = {
    304: {"description": "Nothing has changed since the answer with this ETag."},
    401: _problem("The token is missing or wrong."),
    404: _problem("There is no such thing."),
    406: _problem("There is no such media type."),
    414: _problem("The query is too long."),
    421: _problem("The server is not known under the name that the Host header gives."),
    422: _problem("A parameter cannot be used."),
    503: _problem("Postgres is away, or the answer takes too long; Retry-After says when to ask again."),
}
"""What every route of the API may answer besides."""


def document(app: FastAPI) -> dict[str, Any]:
    """The document, made at the first call."""
    if app.openapi_schema is None:
        made = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
        _, structs = msgspec.json.schema_components((Problem, *answers.EVERY), ref_template=REFERENCE)
        made["components"] = {"schemas": structs, "securitySchemes": {TOKEN: {"type": "http", "scheme": "bearer"}}}
        made["security"] = [{TOKEN: []}, {}]
        for operation in (each for path in made["paths"].values() for each in path.values()):
            for parameter in operation.get("parameters", ()):
                parameter["schema"] = _without_null(parameter["schema"])
        app.openapi_schema = made
    return app.openapi_schema


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter may be left out, but there is no null in a query."""
    kinds: list[dict[str, Any]] = [each for each in schema.get("anyOf", ()) if each != {"type": "null"}]
    if len(kinds) != 1:
        return schema
    return {name: value for name, value in schema.items() if name != "anyOf"} | kinds[0]
