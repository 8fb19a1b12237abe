"""The bound: the same HTTP server and framework, answering with bytes of a page's size that it has at hand."""

import os

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

BODY = b"x" * int(os.environ["BENCHMARK_BODY_BYTES"])


async def contexts(_: Request) -> Response:
    """A page's bytes."""
    return Response(BODY, media_type="application/json")


app = Starlette(routes=[Route("/api/v1/regions/{region}/contexts", contexts)])

if __name__ == "__main__":
    uvicorn.run(app, port=int(os.environ["BENCHMARK_PORT"]), http="h11", log_level="warning", access_log=False)
