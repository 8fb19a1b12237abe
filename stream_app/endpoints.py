"""How the broker and the database are reached: as the settings say, else the embedded ones of the data folder."""

import logging
import re
import shlex
import ssl

from stream_app import tls
from stream_app.config import OF_TLS, Settings
from stream_app.database_url import checked, with_password
from stream_app.embedded import Endpoints, running
from stream_app.errors import UsageError
from stream_app.kafka.access import KafkaAccess, KafkaLogin
from stream_app.secret_files import read_secret

_SERVER = re.compile(r"[^\s:/,@]+:([0-9]{1,5})")
LAST_PORT = 65_535

log = logging.getLogger(__name__)


def find(settings: Settings) -> Endpoints:
    """Both endpoints. Raises UsageError for a URL of another form, or when neither is set nor running.

    So it does for a file of a password or of a certificate that cannot be used.
    """
    kafka = None if settings.kafka_url is None else _kafka(settings.kafka_url, settings)
    if kafka is not None and settings.database_url is not None:
        return Endpoints(kafka, find_database(settings))
    embedded = _running(settings)
    database_url = embedded.database_url if settings.database_url is None else find_database(settings)
    return Endpoints(kafka or embedded.kafka, database_url)


def find_database(settings: Settings) -> str:
    """The database's URL alone, with its password. Raises UsageError as `find` does."""
    if settings.database_url is None:
        return _running(settings).database_url
    url = checked(settings.database_url.get_secret_value())
    if settings.database_password_file is None:
        return url
    return with_password(url, read_secret(settings.database_password_file, "database_password_file"))


def _kafka(servers: str, settings: Settings) -> KafkaAccess:
    if not all(map(_is_server, servers.split(","))):
        raise UsageError("The Kafka URL is not of the form host:port[,host:port…].")
    return KafkaAccess(servers, _login(settings), _tls(settings))


def _login(settings: Settings) -> KafkaLogin | None:
    mechanism, username, password = settings.kafka_sasl_mechanism, settings.kafka_username, settings.kafka_password
    if settings.kafka_password_file is not None:
        password = read_secret(settings.kafka_password_file, "kafka_password_file")
    if mechanism is None or username is None or password is None:
        return None
    if mechanism == "PLAIN" and not settings.kafka_security_protocol.endswith("SSL"):
        log.warning("Kafka's password travels in the clear by SASL_PLAINTEXT and PLAIN; SASL_SSL encrypts it")
    return KafkaLogin(mechanism, username, password)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if not settings.kafka_security_protocol.endswith("SSL"):
        return None
    authority, certificate, key = (
        None if (path := getattr(settings, name)) is None else tls.PemFile(path, name) for name in OF_TLS
    )
    return tls.client_context(authority, certificate, key)


def _is_server(text: str) -> bool:
    found = _SERVER.fullmatch(text)
    return found is not None and 0 < int(found[1]) <= LAST_PORT


def command(settings: Settings, words: str) -> str:
    """A command to type, with the data folder where it is not the default one."""
    folder = settings.data_dir
    is_default = folder == Settings.model_fields["data_dir"].default
    return f"stream-app {words}" if is_default else f"stream-app --data-dir {shlex.quote(str(folder))} {words}"


def _running(settings: Settings) -> Endpoints:
    endpoints = running(settings.data_dir)
    if endpoints is None:
        raise UsageError(
            f"No services are running in {settings.data_dir}: start them with `{command(settings, 'up')}`, "
            "or set STREAM_APP_KAFKA_URL and STREAM_APP_DATABASE_URL."
        )
    return endpoints
