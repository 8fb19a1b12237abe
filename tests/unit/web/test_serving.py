"""The socket that the server listens on."""

import asyncio
import socket

import pytest

from stream_app.web.serving import listening


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_what_is_answered_is_sent_at_once(host: str) -> None:
    accepted: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def connected(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        of_socket = writer.get_extra_info("socket")
        accepted.set_result(of_socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    with listening(host, 0) as listener:
        async with await asyncio.start_server(connected, sock=listener):
            _, writer = await asyncio.open_connection(*listener.getsockname()[:2])
            writer.close()
            assert await accepted == 1
