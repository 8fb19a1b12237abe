"""The embedded Kafka and Postgres as a cautious operator sets them up: TLS, and a login over it."""

import asyncio
import secrets
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from stream_app.embedded.kafka import Kafka
from stream_app.embedded.ports import LOOPBACK, keep_ports, stored_ports
from stream_app.embedded.postgres import DATABASE, USER, Postgres
from tests.certificates import HOST, Pair

KAFKA_USER = "alice"
OVER_TLS_ALONE = "tls_alone"
"""A user of Postgres that may log in over TLS alone."""
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
"""How a client asks Postgres for TLS (https://www.postgresql.org/docs/18/protocol-message-formats.html)."""
LISTENERS = {"SECURED": "SASL_SSL", "EXPIRED": "SASL_SSL", "MUTUAL": "SSL", "CLEAR": "SASL_PLAINTEXT"}
"""Of the broker, besides the embedded one's own, with what is spoken there."""


class SecuredKafka(Kafka):
    """The broker with listeners of every protocol; one has a certificate that has expired, one wants the client's."""

    def __init__(self, data_dir: Path, server: Pair, expired: Pair, authority: Path) -> None:
        super().__init__(data_dir)
        self.password = f"kafka-s3cr3t-{secrets.token_urlsafe(12)}"
        self._certificates = {"SECURED": server, "EXPIRED": expired, "MUTUAL": server}
        self._authority = authority
        self._secured_ports = self.folder / "secured-ports.json"
        users = [f"{name}=[name={KAFKA_USER},password={self.password}]" for name in ("SCRAM-SHA-256", "SCRAM-SHA-512")]
        self.format_options = tuple(word for user in users for word in ("--add-scram", user))

    def servers(self, listener: str, host: str = HOST) -> str:
        """A listener's `host:port`."""
        return f"{host}:{dict(zip(LISTENERS, stored_ports(self._secured_ports), strict=True))[listener]}"

    def _write_properties(self, port: int, controller_port: int) -> None:
        super()._write_properties(port, controller_port)
        keep_ports(self._secured_ports, len(LISTENERS))
        with self._properties.open("a") as file:
            file.writelines(f"{name}={value}\n" for name, value in self._more(port, controller_port).items())

    def _more(self, port: int, controller_port: int) -> Mapping[str, str]:
        own = {"PLAINTEXT": f"{LOOPBACK}:{port}"} | {name: self.servers(name) for name in LISTENERS}
        listeners = own | {"CONTROLLER": f"{LOOPBACK}:{controller_port}"}
        protocols = {"PLAINTEXT": "PLAINTEXT", "CONTROLLER": "PLAINTEXT"} | LISTENERS
        more = {
            "advertised.listeners": ",".join(f"{name}://{at}" for name, at in own.items()),
            "listeners": ",".join(f"{name}://{at}" for name, at in listeners.items()),
            "listener.security.protocol.map": ",".join(f"{name}:{spoken}" for name, spoken in protocols.items()),
            "listener.name.secured.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.expired.sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "listener.name.clear.sasl.enabled.mechanisms": "PLAIN,SCRAM-SHA-256",
            "listener.name.clear.plain.sasl.jaas.config": (
                f'org.apache.kafka.common.security.plain.PlainLoginModule required user_{KAFKA_USER}="{self.password}";'
            ),
            "listener.name.mutual.ssl.client.auth": "required",
            "listener.name.mutual.ssl.truststore.type": "PEM",
            "listener.name.mutual.ssl.truststore.location": str(self._authority),
        }
        for name, pair in self._certificates.items():
            more[f"listener.name.{name.lower()}.ssl.keystore.type"] = "PEM"
            more[f"listener.name.{name.lower()}.ssl.keystore.location"] = str(pair.both)
        for name in ("secured.scram-sha-512", "expired.scram-sha-512", "clear.scram-sha-256"):
            module = "org.apache.kafka.common.security.scram.ScramLoginModule required;"
            more[f"listener.name.{name}.sasl.jaas.config"] = module
        return more


class SecuredPostgres(Postgres):
    """The server with a user that may log in over TLS alone."""

    @property
    def port(self) -> int:
        """The server's own, where it speaks no TLS."""
        return stored_ports(self._ports)[0]

    @property
    def password(self) -> str:
        """Of every user."""
        return self._password.read_text()

    def _write_settings(self, port: int) -> None:
        super()._write_settings(port)
        access = (
            f"hostssl all {OVER_TLS_ALONE} {LOOPBACK}/32 scram-sha-256\nhost all {USER} {LOOPBACK}/32 scram-sha-256\n"
        )
        (self._data / "pg_hba.conf").write_text(access)


class TlsFront:
    """TLS before Postgres, as a pooler or a cloud puts it there: what comes over it goes on to the server as it is.

    The embedded Postgres is built without OpenSSL. A client that asks for no TLS is not served.
    """

    def __init__(self, context: ssl.SSLContext, behind: int) -> None:
        self._context = context
        self._behind = behind
        self._open: set[asyncio.Task[None]] = set()
        self.port = 0
        self.encrypted = 0
        """Connections so far that were encrypted."""
        self.plain = 0
        """Connections so far that were not."""

    def url(self, parameters: str, *, user: str = USER, host: str = HOST, password: str = "") -> str:
        """A URL of the product's database through this front."""
        return f"postgresql://{user}{password and ':'}{password}@{host}:{self.port}/{DATABASE}?{parameters}"

    @contextmanager
    def served(self) -> Iterator["TlsFront"]:
        """Listen, in a thread, until the end of the block."""
        loop = asyncio.new_event_loop()
        thread = threading.Thread(target=loop.run_forever, daemon=True)
        thread.start()
        listening = asyncio.run_coroutine_threadsafe(self._listen(), loop).result()
        try:
            yield self
        finally:
            asyncio.run_coroutine_threadsafe(self._close(listening), loop).result()
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

    async def _listen(self) -> asyncio.Server:
        listening = await asyncio.start_server(self._serve, LOOPBACK, 0)
        self.port = listening.sockets[0].getsockname()[1]
        return listening

    async def _close(self, listening: asyncio.Server) -> None:
        listening.close()
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        task.add_done_callback(self._open.discard)
        with suppress(OSError, asyncio.IncompleteReadError):
            if await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST:
                writer.write(b"S")
                await writer.start_tls(self._context)
                self.encrypted += 1
                await self._pass_on(reader, writer)
            else:
                self.plain += 1
        writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        from_server, to_server = await asyncio.open_connection(LOOPBACK, self._behind)
        ways = [asyncio.ensure_future(_copy(reader, to_server)), asyncio.ensure_future(_copy(from_server, writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            to_server.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65_536):
            writer.write(data)
            await writer.drain()
