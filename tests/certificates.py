"""Certificates of the tests' own authority, made anew for each run."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import trustme
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

HOST = "localhost"
"""The one host that the servers' certificates are made for."""
LONG_AGO = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate with its chain, its key in the form of PKCS#8, and a file with both."""

    chain: Path
    key: Path
    both: Path


class Certificates:
    """An authority, what it has signed, and another authority that signed nothing of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._authority = trustme.CA()
        self.authority = folder / "authority.pem"
        self.stranger = folder / "stranger.pem"
        self._authority.cert_pem.write_to_path(self.authority)
        trustme.CA().cert_pem.write_to_path(self.stranger)
        self.server = self._pair("server", self._authority.issue_cert(HOST))
        self.client = self._pair("client", self._authority.issue_cert("client@example.org", common_name="client"))
        expired = self._authority.issue_cert(HOST, not_before=LONG_AGO, not_after=LONG_AGO + dt.timedelta(days=1))
        self.expired = self._pair("expired", expired)

    @property
    def locked_key(self) -> bytes:
        """The client's key in PEM form, under a password."""
        key = load_pem_private_key(self.client.key.read_bytes(), None)
        return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a password"))

    def _pair(self, name: str, issued: trustme.LeafCert) -> Pair:
        key = load_pem_private_key(issued.private_key_pem.bytes(), None)
        secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        pair = Pair(*(self._folder / f"{name}.{ending}" for ending in ("pem", "key", "both")))
        for path, content in ((pair.chain, chain), (pair.key, secret), (pair.both, secret + chain)):
            path.write_bytes(content)
        return pair
