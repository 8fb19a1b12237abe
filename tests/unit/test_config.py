"""Settings come from a file, the environment and flags, in rising order; what is wrong is one sentence."""

import datetime as dt
from pathlib import Path

import pytest

from stream_app.config import GONE_SETTINGS, Settings, load_regions, load_settings
from stream_app.errors import UsageError
from stream_app.regime.calendars import load_calendar
from stream_app.toml_files import FILE_MAX_BYTES

LOGIN = {
    "kafka_url": "h:1",
    "kafka_sasl_mechanism": "SCRAM-SHA-512",
    "kafka_username": "me",
    "kafka_password": "secret",
}


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No settings file and no variable of whoever runs the tests."""
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"STREAM_APP_{name.upper()}", raising=False)


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_the_environment_overrules_the_file_and_a_flag_overrules_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "stream-app.toml", 'encode_token_budget = 600\nchunk_records = 100\ntopic_prefix = "file."')
    monkeypatch.setenv("STREAM_APP_ENCODE_TOKEN_BUDGET", "700")
    monkeypatch.setenv("STREAM_APP_CHUNK_RECORDS", "200")
    found = load_settings({"encode_token_budget": 800, "chunk_records": None})
    assert (found.encode_token_budget, found.chunk_records, found.topic_prefix) == (800, 200, "file.")
    assert found.amend_interval_seconds == 300


def test_a_named_settings_file_is_read_instead_of_the_one_here(tmp_path: Path) -> None:
    write(tmp_path / "stream-app.toml", "encode_token_budget = 600")
    other = write(tmp_path / "other.toml", "chunk_records = 7")
    found = load_settings(config=other)
    assert (found.encode_token_budget, found.chunk_records) == (1024, 7)


def test_the_database_url_is_not_shown() -> None:
    settings = load_settings({"database_url": "postgresql://me:secret@host/db"})
    assert "secret" not in repr(settings)
    assert settings.database_url is not None
    assert settings.database_url.get_secret_value().endswith("/db")


def test_no_password_is_shown() -> None:
    settings = load_settings(LOGIN | {"kafka_security_protocol": "SASL_SSL"})
    assert "secret" not in repr(settings)
    assert settings.kafka_password is not None
    assert settings.kafka_password.get_secret_value() == "secret"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"kafka_security_protocol": "SASL_SSL"}, "SASL_SSL needs kafka_sasl_mechanism, kafka_username and kafka_pass"),
        (
            {**LOGIN, "kafka_security_protocol": "SASL_PLAINTEXT", "kafka_password": ""},
            "SASL_PLAINTEXT needs kafka_sasl_mechanism, kafka_username and kafka_password or kafka_password_file",
        ),
        (LOGIN, "kafka_sasl_mechanism is given, which kafka_security_protocol PLAINTEXT does not use"),
        ({"kafka_ca_file": "ca.pem"}, "kafka_ca_file is given, which kafka_security_protocol PLAINTEXT does not use"),
        (
            {**LOGIN, "kafka_security_protocol": "SASL_PLAINTEXT", "kafka_ca_file": "ca.pem"},
            "kafka_ca_file is given, which kafka_security_protocol SASL_PLAINTEXT does not use",
        ),
        (
            {"kafka_security_protocol": "SSL", "kafka_url": "h:1", "kafka_username": "me"},
            "kafka_username is given, which kafka_security_protocol SSL does not use",
        ),
        (
            {**LOGIN, "kafka_security_protocol": "SASL_SSL", "kafka_password_file": "p"},
            "kafka_password and kafka_password_file are both given; leave one out",
        ),
        (
            {"kafka_security_protocol": "SSL", "kafka_url": "h:1", "kafka_key_file": "k"},
            "kafka_key_file is given without kafka_cert_file",
        ),
        (
            {"kafka_security_protocol": "SSL"},
            "kafka_security_protocol SSL needs kafka_url; the embedded Kafka speaks PLAINTEXT",
        ),
        ({"database_password_file": "p"}, "database_password_file needs database_url"),
    ],
)
def test_settings_that_contradict_each_other_are_refused_in_one_sentence(given: dict[str, str], told: str) -> None:
    with pytest.raises(UsageError) as refused:
        load_settings(given)
    assert str(refused.value).startswith(f"Settings: {told}") or f" {told}" in str(refused.value)
    assert "secret" not in str(refused.value)


def test_an_empty_variable_takes_back_what_the_file_gives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(
        tmp_path / "stream-app.toml",
        'kafka_url = "h:1"\nkafka_security_protocol = "SASL_SSL"\nkafka_sasl_mechanism = "PLAIN"\n'
        'kafka_username = "me"\nkafka_password = "secret"\nkafka_ca_file = "ca.pem"',
    )
    assert load_settings().kafka_security_protocol == "SASL_SSL"
    for name in ("SASL_MECHANISM", "USERNAME", "PASSWORD", "CA_FILE"):
        monkeypatch.setenv(f"STREAM_APP_KAFKA_{name}", "")
    assert load_settings({"kafka_security_protocol": "PLAINTEXT"}).kafka_password is None


@pytest.mark.parametrize(
    "name",
    [name for name, field in Settings.model_fields.items() if field.annotation in (int, float, int | None)],
)
def test_every_number_has_a_bound(name: str) -> None:
    for endless in ("inf", "1e300", "9" * 400):
        with pytest.raises(UsageError, match=rf"^Settings: {name}: "):
            load_settings({name: endless})


def test_every_text_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings({"kafka_username": "", "kafka_password": ""}).kafka_username is None
    with pytest.raises(UsageError, match=r"^Settings: kafka_username: String should have at most 256 characters\.$"):
        load_settings(LOGIN | {"kafka_username": "u" * 257})
    with pytest.raises(UsageError, match=r"^Settings: kafka_password: ") as refused:
        load_settings(LOGIN | {"kafka_password": "secret" * 1_000})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        ({"topic_partitions": 1001}, "Settings: topic_partitions: Input should be less than or equal to 1000."),
        ({"topic_partitions": "many"}, "Settings: topic_partitions: Input should be a valid integer"),
        ({"topic_prefix": "a b"}, "Settings: topic_prefix: String should match pattern"),
        (
            {"joint_models": "a,b|c"},
            "Settings: joint_models.1: 'b|c' is no model's id, which has 1 to 200 characters, no |",
        ),
        ({"joint_models": "a,,b"}, "Settings: joint_models.1: '' is no model's id, which has 1 to 200 characters"),
        (
            {"joint_models": ["a", " b"]},
            "Settings: joint_models.1: ' b' is no model's id, which has 1 to 200 characters",
        ),
        ({"joint_models": "a" * 201}, f"Settings: joint_models.0: '{'a' * 40}…' is no model's id, which has 1 to 200"),
        ({"joint_models": "a, b, a"}, "Settings: joint_models: a is named twice; name it once."),
        (
            {"joint_models": []},
            "Settings: joint_models: no model is named; name one at least, or leave the setting out.",
        ),
        (
            {"joint_models": " "},
            "Settings: joint_models: no model is named; name one at least, or leave the setting out.",
        ),
        ({"joint_models": 3}, "Settings: joint_models: Input should be a valid tuple."),
        ({"window_days": 63}, "Settings: window_days is a key of a model in the models file, which models_file names."),
        ({"max_rejected_ratio": 0}, "Settings: max_rejected_ratio: Input should be greater than 0."),
        (
            {"rejected_window_records": 100, "rejected_minimum_records": 51},
            "Settings: rejected_minimum_records: 51 is more than half of rejected_window_records (100).",
        ),
        (
            {"session_timeout_seconds": 6, "heartbeat_seconds": 6},
            "Settings: heartbeat_seconds: 6.0 is not below session_timeout_seconds (6.0).",
        ),
        (
            {"session_timeout_seconds": 2},
            "Settings: heartbeat_seconds: 3.0 is not below session_timeout_seconds (2.0).",
        ),
        ({"no_such_setting": 1}, "Settings: no_such_setting: Extra inputs are not permitted."),
    ],
)
def test_a_wrong_setting_is_named_with_what_is_wrong(flags: dict[str, object], sentence: str) -> None:
    with pytest.raises(UsageError) as error:
        load_settings(flags)
    assert str(error.value).startswith(sentence)


def test_a_wrong_value_is_not_repeated() -> None:
    with pytest.raises(UsageError) as error:
        load_settings({"chunk_records": "hunter2"})
    assert "hunter2" not in str(error.value)


def test_a_settings_file_that_is_missing_or_no_toml_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"^There is no settings file .*nowhere\.toml\.$"):
        load_settings(config=tmp_path / "nowhere.toml")
    with pytest.raises(UsageError, match=r"broken\.toml is not valid TOML: .*\.$"):
        load_settings(config=write(tmp_path / "broken.toml", "chunk_records = = 1"))


def test_the_packaged_regions_have_calendars_that_exist() -> None:
    regions = load_regions()
    assert list(regions) == ["US", "EU", "UK", "JP", "HK", "CRYPTO"]
    assert {region.news_day for region in regions.values()} == {"session"}
    for region in regions.values():
        assert load_calendar(region.calendar, dt.date(2026, 12, 31)).name == region.calendar


def test_a_region_needs_its_calendar_and_instruments_alone(tmp_path: Path) -> None:
    path = write(tmp_path / "regions.toml", '[regions.X]\ncalendar = "XNYS"\ninstruments = ["A"]')
    found = load_regions(path)["X"]
    assert (found.languages, found.news, found.news_day, found.close_grace_minutes) == (("EN",), "all", "session", 15)


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", r"has no \[regions\.NAME\] table\.$"),
        ("regions = 3", r"has no \[regions\.NAME\] table\.$"),
        ("[regions", r"is not valid TOML: "),
        ('[regions."A|B"]', "String should match pattern"),
        ('[regions."A/B"]', "String should match pattern"),
        ('[regions."A\\u0001"]', "String should match pattern"),
        ('[regions.".."]', r"neither \. nor \.\.\.$"),
        ('[regions."."]', r"neither \. nor \.\.\.$"),
        ('[regions.X]\ninstruments = ["A"]', r"calendar: Field required\.$"),
        ('[regions.X]\ncalendar = "XNYS"\ninstruments = []', "instruments: "),
        ('[regions.X]\ncalendar = "XNYS"\ninstruments = [""]', "X.instruments.0: "),
        ('[regions.X]\ncalendar = "XNYS"\ninstruments = ["A"]\nlanguages = [""]', "X.languages.0: "),
        ('[regions.X]\ncalendar = "XNYS"\ninstruments = ["A"]\nnews = "some"', "news: "),
        ('[regions.X]\ncalendar = "XNYS"\ninstruments = ["A"]\nnews_days = "session"', "news_days: Extra inputs"),
        ('[regions.X]\ncalendar = "XNYS"\ninstruments = ["A"]\nclose_grace_minutes = -1', "close_grace_minutes: "),
    ],
)
def test_a_wrong_regions_file_says_what_is_wrong_where(tmp_path: Path, text: str, what: str) -> None:
    with pytest.raises(UsageError, match=rf"^The regions file .*regions\.toml.*{what}"):
        load_regions(write(tmp_path / "regions.toml", text))


def test_a_regions_file_that_is_missing_or_not_utf8_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot be read: No such file or directory\.$"):
        load_regions(tmp_path / "nowhere.toml")
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'[regions.\xe4]\ncalendar = "XNYS"')
    with pytest.raises(UsageError, match="is not valid TOML"):
        load_regions(latin)


def test_a_file_over_a_mebibyte_is_not_read(tmp_path: Path) -> None:
    path = write(tmp_path / "large.toml", "#" * (FILE_MAX_BYTES + 1))
    with pytest.raises(UsageError, match=r"^The settings file .*large\.toml has over 1,048,576 bytes\.$"):
        load_settings(config=path)
    for endless in (path, Path("/dev/zero")):
        with pytest.raises(UsageError, match=rf"^The regions file {endless} has over 1,048,576 bytes\.$"):
            load_regions(endless)


def test_a_region_is_bounded_as_a_record_is(tmp_path: Path) -> None:
    instruments = ", ".join(f'"{number}"' for number in range(1_001))
    path = write(tmp_path / "regions.toml", f'[regions.X]\ncalendar = "XNYS"\ninstruments = [{instruments}]')
    with pytest.raises(UsageError, match=r"X\.instruments: Tuple should have at most 1000 items"):
        load_regions(path)


def test_a_misspelt_variable_is_refused_and_the_one_meant_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STREAM_APP_KAFKA_ULR", "127.0.0.1:9092")
    with pytest.raises(
        UsageError, match=r"^There is no setting STREAM_APP_KAFKA_ULR; is STREAM_APP_KAFKA_URL meant\?$"
    ):
        load_settings()


@pytest.mark.parametrize("name", GONE_SETTINGS)
def test_a_setting_of_an_older_release_is_refused_with_what_took_its_place(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UsageError, match=rf"^Settings: {name} .*(models_file|joint_models)"):
        load_settings(config=write(tmp_path / "old.toml", f"{name} = 'x'"))
    monkeypatch.setenv(f"STREAM_APP_{name.upper()}", "x")
    with pytest.raises(UsageError, match=rf"^There is no setting STREAM_APP_{name.upper()} any more: {name} "):
        load_settings()


def test_joint_models_are_a_list_in_a_file_and_parted_by_commas_in_a_variable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "settings.toml", 'joint_models = ["a", "b"]')
    assert load_settings(config=path).joint_models == ("a", "b")
    monkeypatch.setenv("STREAM_APP_JOINT_MODELS", "c, d")
    assert load_settings(config=path).joint_models == ("c", "d")
