"""The OpenAPI document is exact: schemathesis asks by it, rightly and wrongly, and finds nothing.

Regions, days and models are stored ones in most of the questions, so that their answers are looked at as well as their
refusals. What the document does not express, and no question here has: a cursor is one that was given, and a span does
not end before it begins.
"""

import asyncio
import datetime as dt
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stream_app.web.access import Access
from stream_app.web.app import create_app
from stream_app.web.site import Site
from tests.integration.pipeline import Place
from tests.integration.web.conftest import opened
from tests.integration.web.lived_days import CORE, FILLED_IN, LEHMAN, QUIET, SCALED

EXAMPLES = settings(
    max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate], print_blob=False
)
V1 = "/api/v1"
EVENTS = f"{V1}/events"
"""It has no end that one could wait for."""
REGION = f"{V1}/regions/{{region}}"
PATHS = [
    f"{V1}/regions",
    f"{REGION}/contexts",
    f"{REGION}/contexts/{{as_of}}",
    f"{REGION}/contexts/{{as_of}}/analogues",
    f"{REGION}/timeline",
    f"{REGION}/map",
    f"{V1}/models",
    f"{V1}/dead-letters",
    f"{V1}/dead-letters/reasons",
    f"{V1}/pipeline",
    f"{V1}/health",
    "/livez",
    "/readyz",
    "/metrics",
]
WITHOUT_PARAMETERS = {
    f"{V1}/regions",
    f"{V1}/models",
    f"{V1}/pipeline",
    f"{V1}/health",
    "/livez",
    "/readyz",
    "/metrics",
}
STORED = [("US", LEHMAN, CORE), ("US", QUIET, SCALED), ("EU", LEHMAN, SCALED), ("JP", FILLED_IN[0], CORE)]
"""Regions, days and models that have a context, with news and without."""

Case = schemathesis.Case[Any]


@contextmanager
def served_elsewhere(place: Place) -> Iterator[ASGIApp]:
    """The application in a loop of its own, whatever loop asks it: schemathesis makes one a request."""
    loop, ready = asyncio.new_event_loop(), threading.Event()
    ended = asyncio.Event()
    made: list[ASGIApp] = []

    async def serve() -> None:
        async with opened(place) as services:
            made.append(create_app(await Site.of(services, place.endpoints.kafka, Access(hosts=None))))
            ready.set()
            await ended.wait()

    async def ask(scope: Scope, receive: Receive, send: Send) -> None:
        request, sent = [await receive()], list[Message]()

        async def received() -> Message:
            return request.pop() if request else {"type": "http.disconnect"}

        async def answered(message: Message) -> None:
            sent.append(message)

        await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(made[0](scope, received, answered), loop))  # type: ignore[arg-type] # a coroutine
        for message in sent:
            await send(message)

    thread = threading.Thread(target=loop.run_until_complete, args=[serve()])
    thread.start()
    ready.wait()
    yield ask
    loop.call_soon_threadsafe(ended.set)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def application(lived: Place) -> Iterator[ASGIApp]:
    with served_elsewhere(lived) as application:
        yield application


@pytest.fixture(scope="module")
def document(application: ASGIApp) -> Any:
    """The document, as a server hands it out."""
    return schemathesis.openapi.from_asgi("/api/v1/openapi.json", application)


def test_every_route_but_the_stream_of_events_is_asked_here(document: Any) -> None:
    found = {operation.ok().path for operation in document.get_all_operations()}
    assert found - {EVENTS} == set(PATHS)


def asked_by(case: Case) -> Case:
    """The question without what would be refused although the document allows it."""
    query = case.query
    for name in ("cursor", "articles_cursor"):
        query.pop(name, None)
    for first, last in (("start", "end"), ("since", "until")):
        if first in query and last in query:
            query.pop(last)
    return case


def about(case: Case, region: str, as_of: dt.date, model_id: str) -> Case:
    """The same question about a day that is stored, as far as its route is asked for one."""
    for parameters, name, value in (
        (case.path_parameters, "region", region),
        (case.path_parameters, "as_of", f"{as_of}"),
        (case.query, "model_id", model_id),
    ):
        if name in parameters:
            parameters[name] = value
    return case


@pytest.mark.parametrize("path", PATHS)
def test_what_the_document_allows_is_answered_as_it_says(document: Any, path: str) -> None:
    statuses = set()

    @given(
        case=document[path]["GET"].as_strategy(generation_mode=GenerationMode.POSITIVE),
        stored=st.sampled_from([*STORED, None]),
    )
    @EXAMPLES
    def ask(case: Case, stored: tuple[str, dt.date, str] | None) -> None:
        asked = asked_by(case)
        statuses.add((about(asked, *stored) if stored else asked).call_and_validate().status_code)

    ask()
    assert 200 in statuses


@pytest.mark.parametrize("path", [path for path in PATHS if path not in WITHOUT_PARAMETERS])
def test_what_it_does_not_allow_is_refused_as_it_says(document: Any, path: str) -> None:
    @given(case=document[path]["GET"].as_strategy(generation_mode=GenerationMode.NEGATIVE))
    @EXAMPLES
    def ask(case: Case) -> None:
        case.call_and_validate()

    ask()
