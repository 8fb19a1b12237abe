"""What Kafka refuses for good: a login, a certificate, a protocol; in one sentence that says what to do."""

import ssl

from aiokafka.errors import (
    AuthenticationFailedError,
    AuthenticationMethodNotSupported,
    IllegalSaslStateError,
    KafkaConnectionError,
    SaslAuthenticationFailed,
    UnsupportedSaslMechanismError,
)

from stream_app import tls

KAFKA_PEER = tls.Peer(
    service="Kafka",
    address="kafka_url (and each broker's advertised.listeners)",
    authority="kafka_ca_file",
    certificate="kafka_cert_file and kafka_key_file",
    protocol="kafka_security_protocol",
)
LOGIN = "see kafka_username and kafka_password (or kafka_password_file)"


def refusal(error: BaseException | None) -> str | None:
    """What was refused, by the error or by what caused it, without its full stop; None: it may yet be granted."""
    while error is not None:
        match error:
            case SaslAuthenticationFailed() | AuthenticationFailedError():
                return f"Kafka refuses the login ({_server_words(error)}); {LOGIN}"
            case UnsupportedSaslMechanismError() | AuthenticationMethodNotSupported():
                return "Kafka does not take a login of this kind; see kafka_sasl_mechanism"
            case IllegalSaslStateError():
                return "Kafka takes no login on this listener; see kafka_security_protocol"
            case ssl.SSLError() if tls.is_final(error):
                return tls.why(error, KAFKA_PEER)
        error = error.__cause__
    return None


def doubt(error: BaseException) -> str | None:
    """What may be wrong where the broker hung up on a new connection, as it also does while it ends."""
    if isinstance(error, KafkaConnectionError | ConnectionResetError | ssl.SSLEOFError):
        return f"it closed a new connection ({error}), as it does to a client of another kafka_security_protocol"
    return None


def _server_words(error: BaseException) -> str:
    """What the broker said, without the code that the client library puts before it."""
    return str(error.args[0] if error.args and error.args[0] else type(error).__name__).rstrip(".")
