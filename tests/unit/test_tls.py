"""TLS as a client: the server's certificate and name are verified, and a failure says what to do."""

import ssl
from pathlib import Path

import pytest

from stream_app import tls
from stream_app.errors import UsageError
from stream_app.tls import Peer, PemFile
from tests.certificates import HOST, Certificates, Pair

PEER = Peer("Kafka", address="kafka_url", authority="kafka_ca_file", certificate="kafka_cert_file", protocol="protocol")


def shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> None:
    """A handshake in memory, and a first byte after it; raises what the client would meet."""
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server, server_hostname=host)
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (asking, answering):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                if side is asking:
                    raise
    answering.write(b"!")
    assert asking.read(1) == b"!"


def server_with(pair: Pair, clients: Path | None = None) -> ssl.SSLContext:
    """A server that shows this certificate, and wants one of this authority of its clients."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pair.chain, pair.key)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(clients)
    return context


def trusting(path: Path) -> ssl.SSLContext:
    """A client's context that trusts an authority."""
    return tls.client_context(PemFile(path, "kafka_ca_file"))


def test_a_server_of_the_authority_and_of_that_name_is_accepted(certificates: Certificates) -> None:
    shake_hands(trusting(certificates.authority), server_with(certificates.server), HOST)


@pytest.mark.parametrize(
    ("server", "authority", "host", "told"),
    [
        ("server", "stranger", HOST, "unable to get local issuer certificate; kafka_ca_file has to name a file with"),
        ("server", "authority", "127.0.0.1", "not valid for '127.0.0.1'; kafka_url has to name a host that it was"),
        ("server", "authority", "elsewhere", "not valid for 'elsewhere'; kafka_url has to name a host that it was"),
        ("expired", "authority", HOST, "certificate has expired; the server needs a new one"),
    ],
)
def test_what_is_wrong_with_a_certificate_is_told_with_what_to_do(
    certificates: Certificates, server: str, authority: str, host: str, told: str
) -> None:
    with pytest.raises(ssl.SSLError) as failed:
        shake_hands(trusting(getattr(certificates, authority)), server_with(getattr(certificates, server)), host)
    assert tls.is_final(failed.value)
    assert tls.why(failed.value, PEER).startswith("Kafka's certificate is not accepted: ")
    assert told in tls.why(failed.value, PEER)


def test_without_an_authority_those_of_the_system_are_trusted(certificates: Certificates) -> None:
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(tls.client_context(None), server_with(certificates.server), HOST)


def test_a_client_shows_its_certificate_whose_key_may_be_in_the_same_file(certificates: Certificates) -> None:
    authority, client = PemFile(certificates.authority, "kafka_ca_file"), certificates.client
    wanting = server_with(certificates.server, clients=certificates.authority)
    shake_hands(tls.client_context(authority, PemFile(client.both, "c")), wanting, HOST)
    shake_hands(tls.client_context(authority, PemFile(client.chain, "c"), PemFile(client.key, "k")), wanting, HOST)


def test_a_server_that_wants_another_certificate_or_speaks_no_tls_is_told_apart() -> None:
    wanting, plain = ssl.SSLError(1, "…"), ssl.SSLError(1, "…")
    wanting.reason, plain.reason = "TLSV13_ALERT_CERTIFICATE_REQUIRED", "WRONG_VERSION_NUMBER"
    assert tls.why(wanting, PEER) == (
        "Kafka does not accept this client's certificate (TLSV13_ALERT_CERTIFICATE_REQUIRED); see kafka_cert_file"
    )
    assert tls.why(plain, PEER).endswith(
        "agree on no TLS (WRONG_VERSION_NUMBER); does it speak TLS there? See protocol"
    )


@pytest.mark.parametrize("error", [ssl.SSLEOFError(8, "…"), ssl.SSLZeroReturnError(6, "…"), ConnectionResetError()])
def test_a_connection_that_is_lost_in_the_handshake_is_not_refused(error: OSError) -> None:
    assert not tls.is_final(error)


@pytest.mark.parametrize(
    ("names", "told"),
    [
        (("absent", None, None), r"^kafka_ca_file: \S+absent cannot be read: No such file or directory\.$"),
        (("text", None, None), r"^kafka_ca_file: \S+text holds no certificate in PEM form\.$"),
        (("authority.pem", "client.pem", None), r"^kafka_cert_file: \S+client\.pem and \S+client\.pem hold no cert"),
        (("authority.pem", "client.pem", "server.key"), r"^kafka_cert_file: the key in \S+server\.key is not that of"),
        (("authority.pem", "client.pem", "locked.key"), r"^kafka_key_file: the key in \S+locked\.key is encrypted;"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_sentence_that_names_its_setting(
    certificates: Certificates, tmp_path: Path, names: tuple[str | None, ...], told: str
) -> None:
    for path in certificates.authority.parent.iterdir():
        (tmp_path / path.name).symlink_to(path)
    (tmp_path / "text").write_text("no certificate")
    (tmp_path / "locked.key").write_bytes(certificates.locked_key)
    settings = ("kafka_ca_file", "kafka_cert_file", "kafka_key_file")
    authority, certificate, key = (
        None if name is None else PemFile(tmp_path / name, setting)
        for name, setting in zip(names, settings, strict=True)
    )
    with pytest.raises(UsageError, match=told):
        tls.client_context(authority, certificate, key)
