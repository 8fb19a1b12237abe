"""Every setting of the product with its default. In rising order: TOML file, environment (STREAM_APP_…), flags."""

import datetime as dt
import difflib
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from schemas.topics import DEFAULT_PARTITIONS
from stream_app.errors import UsageError
from stream_app.logs import LogFormat
from stream_app.model_id import ModelIds
from stream_app.setting_types import (
    Device,
    HostNames,
    SaslMechanism,
    Secret,
    SecurityProtocol,
    Unset,
    Username,
)
from stream_app.toml_files import FILE_MAX_BYTES, first_problem, read_toml

CONFIG_FILE = Path("stream-app.toml")
PREFIX = "STREAM_APP_"
OTHER_VARIABLES = {"STREAM_APP_CONFIG", "STREAM_APP_FAILPOINT"}
"""Variables that are no settings: the settings file's name, and what fault tests set."""
BY_MODELS_FILE = "is a key of a model in the models file, which models_file names"
BY_JOINT_MODELS = "follows from the inputs of the models that joint_models names"
GONE_SETTINGS = {
    "window_days": BY_MODELS_FILE,
    "text_model": f"{BY_MODELS_FILE}, and is called source there",
    "numeric_model_id": BY_JOINT_MODELS,
    "text_model_id": BY_JOINT_MODELS,
    "joint_model_id": "is joint_models now, a list",
}
"""Settings of older releases, and what took their place."""
PACKAGED_REGIONS = Path(__file__).parent / "regions.toml"
MOST_RECORDS = 1_000_000_000
"""The most of what is set in records; none may be infinite."""
DAY_SECONDS = 86_400.0
"""The most of every time that is set in seconds; none may be infinite."""

OF_A_LOGIN = ("kafka_sasl_mechanism", "kafka_username", "kafka_password", "kafka_password_file")
OF_TLS = ("kafka_ca_file", "kafka_cert_file", "kafka_key_file")

InstrumentId = Annotated[str, Field(min_length=1, max_length=200)]
Language = Annotated[str, Field(min_length=1, max_length=16)]


def _stands_in_a_path(name: str) -> str:
    """The API has regions in its paths, where a client takes these names for a folder and the one above it."""
    if name in {".", ".."}:
        raise PydanticCustomError("region", "The name of a region is neither . nor ..")
    return name


class RegionConfig(BaseModel):
    """One region of the regions file. What is refused here would be refused in a trigger, where no day comes of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    calendar: Annotated[str, Field(min_length=1, max_length=64)]
    instruments: Annotated[tuple[InstrumentId, ...], Field(min_length=1, max_length=1_000)]
    languages: Annotated[tuple[Language, ...], Field(min_length=1, max_length=64)] = ("EN",)
    news: Literal["all", "tagged"] = "all"
    news_day: Literal["utc_date", "session"] = "session"
    close_grace_minutes: Annotated[int, Field(ge=0, le=24 * 60)] = 15


RegionName = Annotated[str, Field(pattern=r"^[^|/\s\x00-\x1f\x7f]{1,64}$"), AfterValidator(_stands_in_a_path)]
_Regions = TypeAdapter(dict[RegionName, RegionConfig])


class Settings(BaseSettings):
    """The product's settings. Sizes and times carry their unit in the name."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid")

    # where things are
    data_dir: Annotated[Path, Field(description="the folder of the embedded services")] = Path(".stream-app")
    kafka_url: Annotated[str | None, Field(description="host:port[,host:port…]; none: the embedded Kafka")] = None
    database_url: Annotated[
        SecretStr | None, Field(description="postgresql://user:password@host:port/name; none: the embedded Postgres")
    ] = None
    database_password_file: Annotated[
        Unset[Path], Field(description="a file with the password that the URL leaves out")
    ] = None
    regions: Annotated[Path | None, Field(description="a regions file; none: the packaged regions")] = None
    topic_prefix: Annotated[
        str, Field(pattern=r"^[A-Za-z0-9._-]{0,100}$", description="put before the name of every topic and group")
    ] = ""
    log_level: Annotated[
        Literal["DEBUG", "INFO", "WARNING", "ERROR"], Field(description="the least that is logged")
    ] = "INFO"
    log_format: Annotated[
        LogFormat, Field(description="of the lines on standard error, one an event: `keyvalue` or `json`")
    ] = "keyvalue"

    # health
    health_port: Annotated[
        int | None,
        Field(
            ge=0, le=65_535, description="of `/livez`, `/readyz`, `/metrics`; none: not served; 0: a free port, logged"
        ),
    ] = None
    health_host: Annotated[str, Field(min_length=1, description="where the health port listens")] = "127.0.0.1"
    health_stall_seconds: Annotated[
        float, Field(gt=2, le=DAY_SECONDS, description="a stage that stands still for so long is not alive")
    ] = 30.0

    # the API and the page
    serve_host: Annotated[
        str,
        Field(
            min_length=1,
            max_length=255,
            description="where `stream-app serve` listens; beyond this machine it needs a token",
        ),
    ] = "127.0.0.1"
    serve_port: Annotated[int, Field(ge=0, le=65_535, description="its port; 0: a free one, logged")] = 8765
    serve_hosts: Annotated[
        HostNames,
        Field(
            max_length=64,
            description="names under which it may be asked, by commas; none: on this machine localhost's, else any",
        ),
    ] = ()
    serve_token: Annotated[
        Unset[Secret], Field(description="the bearer token that every request of `/api` and `/metrics` must have then")
    ] = None
    serve_token_file: Annotated[Unset[Path], Field(description="or a file with the token")] = None

    # how Kafka is spoken to
    kafka_security_protocol: Annotated[
        SecurityProtocol,
        Field(description="`PLAINTEXT`, `SSL`, `SASL_PLAINTEXT` or `SASL_SSL`; SSL verifies certificate and host name"),
    ] = "PLAINTEXT"
    kafka_sasl_mechanism: Annotated[
        Unset[SaslMechanism], Field(description="with SASL: `PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`")
    ] = None
    kafka_username: Annotated[Unset[Username], Field(description="with SASL: who logs in")] = None
    kafka_password: Annotated[Unset[Secret], Field(description="with SASL: the password")] = None
    kafka_password_file: Annotated[Unset[Path], Field(description="or a file with the password")] = None
    kafka_ca_file: Annotated[
        Unset[Path], Field(description="with SSL: the authorities to trust, in PEM form; none: the system's")
    ] = None
    kafka_cert_file: Annotated[
        Unset[Path], Field(description="with SSL: a certificate of the client's own, in PEM form")
    ] = None
    kafka_key_file: Annotated[Unset[Path], Field(description="its key, where that is not in the same file")] = None

    # Kafka
    topic_partitions: Annotated[
        int, Field(ge=1, le=1000, description="of topics that are created; an existing topic keeps its own")
    ] = DEFAULT_PARTITIONS
    topic_replication: Annotated[int, Field(ge=1, le=10, description="of topics that are created")] = 1
    chunk_records: Annotated[int, Field(ge=1, le=100_000, description="the most records of one transaction")] = 2_000
    chunk_bytes: Annotated[
        int, Field(ge=1024, le=64 * 1024 * 1024, description="the most bytes of one transaction")
    ] = 4 * 1024 * 1024
    session_timeout_seconds: Annotated[
        float, Field(gt=0, le=1_800, description="after which a silent worker loses its partitions")
    ] = 10.0
    heartbeat_seconds: Annotated[
        float, Field(gt=0, le=DAY_SECONDS, validate_default=True, description="between a worker's signs of life")
    ] = 3.0
    commit_interval_seconds: Annotated[
        float, Field(gt=0, le=DAY_SECONDS, description="between commits of Kafka offsets")
    ] = 1.0
    revoke_wait_seconds: Annotated[
        float, Field(gt=0, le=DAY_SECONDS, description="a rebalance waits this long for the chunk in flight")
    ] = 20.0
    drain_seconds: Annotated[
        float, Field(gt=0, le=DAY_SECONDS, description="a stop waits this long for the chunk in flight")
    ] = 30.0

    # what cannot be used
    max_rejected_ratio: Annotated[
        float, Field(gt=0, le=1, description="of the last records: with more rejected the worker stops; 1: no limit")
    ] = 0.5
    max_rejected_in_a_row: Annotated[
        int, Field(ge=0, le=MOST_RECORDS, description="records: with more rejected the worker stops; 0: no limit")
    ] = 1_000
    rejected_window_records: Annotated[
        int, Field(ge=2, le=MOST_RECORDS, description="the last records, of which the ratio is")
    ] = 10_000
    rejected_minimum_records: Annotated[
        int,
        Field(
            ge=1,
            le=MOST_RECORDS,
            validate_default=True,
            description="before so many are read the ratio is not looked at",
        ),
    ] = 2_000

    # closing days
    closer_poll_seconds: Annotated[
        float, Field(gt=0, le=DAY_SECONDS, description="between looks at which days are due")
    ] = 1.0
    compute_poll_seconds: Annotated[
        float, Field(gt=0, le=DAY_SECONDS, description="between looks at what waits to be computed")
    ] = 1.0
    republish_seconds: Annotated[
        float, Field(gt=0, le=DAY_SECONDS, description="between looks at what a crash left unpublished")
    ] = 10.0
    amend_interval_seconds: Annotated[
        float, Field(ge=0, le=DAY_SECONDS, description="the least time between amendments of a day")
    ] = 300.0
    amend_settle_seconds: Annotated[
        float,
        Field(
            ge=0,
            le=DAY_SECONDS,
            description="a day is amended once nothing has touched it for so long, or at that interval",
        ),
    ] = 5.0
    price_deadline_hours: Annotated[
        float,
        Field(ge=0, le=24 * 366, description="after the close, when a day without a price is computed from older ones"),
    ] = 12.0
    calendar_end: Annotated[dt.date, Field(description="the last day that calendars know")] = dt.date(2035, 12, 31)

    # models
    models_file: Annotated[
        Unset[Path], Field(description="a models file, whose models stand beside the packaged ones")
    ] = None
    joint_models: Annotated[
        ModelIds,
        Field(
            max_length=16,
            description="whose contexts are computed, by commas; `show`, `export` and `close` ask the first",
        ),
    ] = ("joint-regime-core-v1", "joint-regime-scaled-v2")
    text_device: Annotated[
        Device,
        Field(description="of the text model: `cpu`, `cuda`, `mps`, or `auto`: the first of cuda, mps, cpu"),
    ] = "auto"
    encode_token_budget: Annotated[
        int, Field(ge=512, le=65_536, description="tokens of one batch of texts, padding included")
    ] = 1_024
    encode_chunk_seconds: Annotated[
        float, Field(gt=0, le=DAY_SECONDS, description="of encoding one transaction's news")
    ] = 5.0
    encode_deadline_seconds: Annotated[
        float, Field(gt=0, le=DAY_SECONDS, description="after which a silent text model ends the worker")
    ] = 300.0
    numeric_publish_max_age_days: Annotated[
        int, Field(ge=0, le=36_600, description="windows of older days are stored but not published")
    ] = 7

    @field_validator("heartbeat_seconds")
    @classmethod
    def _beats_within_a_session(cls, heartbeat_seconds: float, info: ValidationInfo) -> float:
        """A slower heart has its worker put out of the group again and again, which nobody is told."""
        session = info.data.get("session_timeout_seconds")
        if session is not None and heartbeat_seconds >= session:
            raise PydanticCustomError(
                "heartbeat",
                "{given} is not below session_timeout_seconds ({session})",
                {"given": heartbeat_seconds, "session": session},
            )
        return heartbeat_seconds

    @field_validator("rejected_minimum_records")
    @classmethod
    def _is_reached_in_the_window(cls, minimum_records: int, info: ValidationInfo) -> int:
        """At least half of the window is looked at; with a larger minimum the ratio might never be."""
        window_records = info.data.get("rejected_window_records")
        if window_records is not None and 2 * minimum_records > window_records:
            raise PydanticCustomError(
                "minimum",
                "{given} is more than half of rejected_window_records ({window})",
                {"given": minimum_records, "window": window_records},
            )
        return minimum_records

    @model_validator(mode="after")
    def _spoken_to_in_one_way(self) -> Self:
        """What the protocol needs is there, and nothing is given that it would leave unused."""
        protocol, passwords = self.kafka_security_protocol, [self.kafka_password, self.kafka_password_file]
        with_login = protocol.startswith("SASL_")
        needed = [self.kafka_sasl_mechanism, self.kafka_username, self.kafka_password or self.kafka_password_file]
        if with_login and None in needed:
            names = "kafka_sasl_mechanism, kafka_username and kafka_password or kafka_password_file"
            _refuse(f"kafka_security_protocol {protocol} needs {names}")
        if None not in passwords:
            _refuse("kafka_password and kafka_password_file are both given; leave one out")
        if self.kafka_key_file is not None and self.kafka_cert_file is None:
            _refuse("kafka_key_file is given without kafka_cert_file")
        unused = ([] if with_login else [*OF_A_LOGIN]) + ([] if protocol.endswith("SSL") else [*OF_TLS])
        if given := [name for name in unused if getattr(self, name) is not None]:
            _refuse(f"{given[0]} is given, which kafka_security_protocol {protocol} does not use")
        if protocol != "PLAINTEXT" and self.kafka_url is None:
            _refuse(f"kafka_security_protocol {protocol} needs kafka_url; the embedded Kafka speaks PLAINTEXT")
        if None not in (self.serve_token, self.serve_token_file):
            _refuse("serve_token and serve_token_file are both given; leave one out")
        if self.database_password_file is not None and self.database_url is None:
            _refuse("database_password_file needs database_url; the embedded Postgres has a password of its own")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags over environment over the TOML file (STREAM_APP_CONFIG names it, see `load_settings`)."""
        del dotenv_settings, file_secret_settings
        toml = TomlConfigSettingsSource(settings_cls, settings_cls.model_config.get("toml_file"))
        return init_settings, env_settings, toml


def load_settings(flags: Mapping[str, Any] | None = None, config: Path | None = None) -> Settings:
    """The settings from `config` (default: stream-app.toml here, if there is one), the environment and `flags`.

    Raises UsageError naming the setting and what is wrong with it, never its value.
    """
    if config is not None and not config.is_file():
        raise UsageError(f"There is no settings file {config}.")
    chosen = config or CONFIG_FILE
    if chosen.is_file() and chosen.stat().st_size > FILE_MAX_BYTES:
        raise UsageError(f"The settings file {chosen} has over {FILE_MAX_BYTES:,} bytes.")

    class _Settings(Settings):
        model_config = SettingsConfigDict(toml_file=chosen)

    _refuse_unknown_variables()
    given = {name: value for name, value in (flags or {}).items() if value is not None}
    try:
        return _Settings(**given)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"The settings file {chosen} is not valid TOML: {error}.") from None
    except ValidationError as error:
        if (gone := error.errors()[0]["loc"][:1]) and gone[0] in GONE_SETTINGS:
            raise UsageError(f"Settings: {gone[0]} {GONE_SETTINGS[str(gone[0])]}.") from None
        raise UsageError(f"Settings: {first_problem(error)}") from None


def _refuse_unknown_variables() -> None:
    """A misspelt variable would be as if it were not set; a misspelt setting in the file is refused as well."""
    known = {f"{PREFIX}{name.upper()}" for name in Settings.model_fields} | OTHER_VARIABLES
    for name in sorted(os.environ):
        if (gone := name.removeprefix(PREFIX).lower()) in GONE_SETTINGS and name.startswith(PREFIX):
            raise UsageError(f"There is no setting {name} any more: {gone} {GONE_SETTINGS[gone]}.")
        if name.startswith(PREFIX) and name not in known:
            alike = difflib.get_close_matches(name, known, n=1)
            raise UsageError(f"There is no setting {name}{f'; is {alike[0]} meant?' if alike else '.'}")


def load_regions(path: Path | None = None) -> dict[str, RegionConfig]:
    """The regions of a TOML file by name (none: the packaged one). Raises UsageError saying what is wrong where."""
    chosen = path or PACKAGED_REGIONS
    tables = read_toml(chosen, "regions").get("regions")
    if not isinstance(tables, dict) or not tables:
        raise UsageError(f"The regions file {chosen} has no [regions.NAME] table.")
    try:
        return _Regions.validate_python(tables)
    except ValidationError as error:
        raise UsageError(f"The regions file {chosen}: {first_problem(error)}") from None


def _refuse(sentence: str) -> NoReturn:
    raise PydanticCustomError("combination", "{sentence}", {"sentence": sentence})
