"""How the broker and the database are reached: as the settings say, else the embedded ones of the data folder."""

import logging
import re
import shlex
import ssl

from stream_app import tls
from stream_app.config import OF_TLS, Settings
from stream_app.database_url import checked, with_password
from stream_app.embedded import Endpoints, running_kafka, running_postgres
from stream_app.errors import UsageError
from stream_app.kafka.access import KafkaAccess, KafkaLogin
from stream_app.secret_files import read_secret

_SERVER = re.compile(r"[^\s:/,@]+:([0-9]{1,5})")
LAST_PORT = 65_535

log = logging.getLogger(__name__)


class NotRunning(UsageError):
    """The settings name no service of one's own, and the embedded one of the data folder does not answer."""


def find(settings: Settings) -> Endpoints:
    """Both endpoints. Raises NotRunning, and UsageError for a URL of another form.

    So it does for a file of a password or of a certificate that cannot be used.
    """
    return Endpoints(find_kafka(settings), find_database(settings))


def find_kafka(settings: Settings) -> KafkaAccess:
    """How Kafka is reached. Raises as `find`."""
    if settings.kafka_url is not None:
        return _kafka(settings.kafka_url, settings)
    if (access := running_kafka(settings.data_dir)) is None:
        raise _not_running("Kafka", settings)
    return access


def find_database(settings: Settings) -> str:
    """The database's URL, with its password. Raises as `find`."""
    if settings.database_url is None:
        if (running := running_postgres(settings.data_dir)) is None:
            raise _not_running("Postgres", settings)
        return running
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


def _not_running(service: str, settings: Settings) -> NotRunning:
    return NotRunning(
        f"{service} is not running in {settings.data_dir}: `{command(settings, 'up')}` starts both services; "
        "STREAM_APP_KAFKA_URL and STREAM_APP_DATABASE_URL name others."
    )
