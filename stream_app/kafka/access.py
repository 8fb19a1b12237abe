"""How Kafka is reached: its servers, a login and TLS where the settings have them."""

import ssl
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr


@dataclass(frozen=True, slots=True)
class KafkaLogin:
    """A SASL login; `mechanism` is PLAIN, SCRAM-SHA-256 or SCRAM-SHA-512."""

    mechanism: str
    username: str
    password: SecretStr


@dataclass(frozen=True, slots=True)
class KafkaAccess:
    """What every client of one process connects with. `servers` is host:port[,host:port…]."""

    servers: str
    login: KafkaLogin | None = None
    tls: ssl.SSLContext | None = None

    @property
    def protocol(self) -> str:
        """Kafka's name for it: PLAINTEXT, SSL, SASL_PLAINTEXT or SASL_SSL."""
        return ("" if self.login is None else "SASL_") + ("PLAINTEXT" if self.tls is None else "SSL")

    def arguments(self) -> dict[str, Any]:
        """The arguments of an aiokafka client that say so."""
        found: dict[str, Any] = {"bootstrap_servers": self.servers, "security_protocol": self.protocol}
        if self.tls is not None:
            found["ssl_context"] = self.tls
        if self.login is not None:
            found["sasl_mechanism"] = self.login.mechanism
            found["sasl_plain_username"] = self.login.username
            found["sasl_plain_password"] = self.login.password.get_secret_value()
        return found
