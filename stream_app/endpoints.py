"""Where the broker and the database are: as the settings say, else the embedded ones of the data folder."""

import re
import shlex
from urllib.parse import urlsplit

from stream_app.config import Settings
from stream_app.embedded import Endpoints, running
from stream_app.errors import UsageError
from stream_app.kafka.access import KafkaAccess

DATABASE_SCHEMES = ("postgresql", "postgres")
_SERVER = re.compile(r"[^\s:/,@]+:([0-9]{1,5})")
LAST_PORT = 65_535


def find(settings: Settings) -> Endpoints:
    """Both endpoints. Raises UsageError for a URL of another form, or when neither is set nor running."""
    if settings.kafka_url is not None and not all(map(_is_server, settings.kafka_url.split(","))):
        raise UsageError("The Kafka URL is not of the form host:port[,host:port…].")
    if settings.kafka_url is not None and settings.database_url is not None:
        return Endpoints(KafkaAccess(settings.kafka_url), find_database(settings))
    embedded = _running(settings)
    database_url = embedded.database_url if settings.database_url is None else find_database(settings)
    kafka = embedded.kafka if settings.kafka_url is None else KafkaAccess(settings.kafka_url)
    return Endpoints(kafka, database_url)


def find_database(settings: Settings) -> str:
    """The database's URL alone, with its password. Raises UsageError as `find` does."""
    if settings.database_url is None:
        return _running(settings).database_url
    url = settings.database_url.get_secret_value()
    try:
        parts = urlsplit(url)
        proper = parts.scheme in DATABASE_SCHEMES and parts.port != 0
    except ValueError:
        proper = False
    if not proper:
        raise UsageError("The database URL is not of the form postgresql://user@host:port/database.")
    return url


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
