"""TLS as a client: what is trusted and shown, from PEM files, and what a failed handshake asks of a person.

A server's certificate and host name are always verified: nothing here switches that off.
"""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from stream_app.errors import UsageError

NOT_YET_VALID, EXPIRED = 9, 10
UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21})
OTHER_HOST = frozenset({62, 64})
"""OpenSSL's X509_V_ERR_… codes, in two pairs of kinds."""
_OF_A_LOST_CONNECTION = (ssl.SSLEOFError, ssl.SSLSyscallError, ssl.SSLZeroReturnError)
_OF_OUR_CERTIFICATE = ("CERTIFICATE_REQUIRED", "BAD_CERTIFICATE", "ALERT_UNKNOWN_CA", "ALERT_CERTIFICATE")


@dataclass(frozen=True, slots=True)
class PemFile:
    """A file of certificates or of a key, and the setting that names it."""

    path: Path
    setting: str


@dataclass(frozen=True, slots=True)
class Peer:
    """A server, and the settings by which this client reaches, trusts and meets it."""

    service: str
    address: str
    authority: str
    certificate: str
    protocol: str


def client_context(
    authority: PemFile | None, certificate: PemFile | None = None, key: PemFile | None = None, key_password: str = ""
) -> ssl.SSLContext:
    """A context that trusts `authority` (none: the system's) and shows `certificate`, whose key may be in its file.

    Raises UsageError naming the setting of a file that cannot be read or is not what it has to be.
    """
    for pem in filter(None, (authority, certificate, key)):
        _check_readable(pem)
    context = _trusting(authority)
    if certificate is not None:
        _show(context, certificate, key, key_password)
    return context


def is_final(error: BaseException) -> bool:
    """Whether a handshake failed for a reason that stays, and not because the connection was lost in it."""
    return isinstance(error, ssl.SSLError) and not isinstance(error, _OF_A_LOST_CONNECTION)


def why(error: ssl.SSLError, peer: Peer) -> str:
    """What the handshake failed of and what to do, a sentence without its full stop."""
    if isinstance(error, ssl.SSLCertVerificationError):
        told = error.verify_message.rstrip(".")
        return f"{peer.service}'s certificate is not accepted: {told}; {_remedy(error.verify_code, peer)}"
    reason = error.reason or str(error)
    if any(word in reason for word in _OF_OUR_CERTIFICATE):
        return f"{peer.service} does not accept this client's certificate ({reason}); see {peer.certificate}"
    return f"{peer.service} and this client agree on no TLS ({reason}); does it speak TLS there? See {peer.protocol}"


def _remedy(code: int, peer: Peer) -> str:
    if code == EXPIRED:
        return "the server needs a new one"
    if code == NOT_YET_VALID:
        return "compare the clocks of both machines"
    if code in OTHER_HOST:
        return f"{peer.address} has to name a host that it was made for"
    if code in UNKNOWN_AUTHORITY:
        return f"{peer.authority} has to name a file with the authority that signed it"
    return f"see {peer.authority}"


def _check_readable(pem: PemFile) -> None:
    try:
        with pem.path.open("rb") as file:
            file.read(1)
    except OSError as error:
        raise UsageError(f"{pem.setting}: {pem.path} cannot be read: {error.strerror}.") from None


def _trusting(authority: PemFile | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=None if authority is None else authority.path)
    except ssl.SSLError:
        if authority is None:
            raise
        raise UsageError(f"{authority.setting}: {authority.path} holds no certificate in PEM form.") from None


def _show(context: ssl.SSLContext, certificate: PemFile, key: PemFile | None, key_password: str) -> None:
    of_key = key or certificate

    def give_password() -> str:
        return key_password or _refuse_encrypted(of_key)

    try:
        context.load_cert_chain(certificate.path, of_key.path, give_password)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            told = f"the key in {of_key.path} is not that of the certificate in {certificate.path}"
        else:
            told = f"{certificate.path} and {of_key.path} hold no certificate and its key in PEM form"
        raise UsageError(f"{certificate.setting}: {told}.") from None


def _refuse_encrypted(key: PemFile) -> NoReturn:
    raise UsageError(f"{key.setting}: the key in {key.path} is encrypted; give it in a file that only you can read.")
