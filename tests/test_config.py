"""Settings and the signing key: which value counts, what is refused in which words, and what is never shown."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fireside.config import SettingsError, StartupError, describe, every_setting, load, misspelt
from fireside.secret import resolve_secret

GOOD = "g" * 32
SHORT = "hunter2hunter2"
OTLP = "OTEL_EXPORTER_OTLP_ENDPOINT must be a URL such as http://localhost:4318"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("FIRESIDE_") or name in {"PORT", "MONGO_URI", "VALKEY_URL", "JWT_SECRET", "JWT_SECRET_FILE"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


def refusal(flags: dict[str, str]) -> str:
    """What is said of these values."""
    with pytest.raises(SettingsError) as refused:
        load(flags)
    return str(refused.value)


def test_with_nothing_set_it_serves_sqlite_to_this_machine_alone() -> None:
    settings = load()
    assert (settings.host, settings.port, settings.mongo_uri) == ("127.0.0.1", 5000, None)
    assert settings.sqlite_path == Path("fireside-data/fireside.db")
    assert (settings.production, settings.log_json, settings.rate_limits) == (False, False, True)
    assert settings.allowed_origins == settings.trusted_proxies == ()


def test_a_flag_beats_the_environment_which_beats_dotenv_which_beats_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = [load().port]
    Path(".env").write_text("PORT=5001\nFIRESIDE_ENV=production\n")
    seen.append(load().port)
    monkeypatch.setenv("PORT", "5002")
    seen.append(load().port)
    seen.append(load({"PORT": "5003"}).port)
    assert seen == [5000, 5001, 5002, 5003]


def test_every_setting_says_where_its_value_came_from(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("PORT=5001\nFIRESIDE_HOST=0.0.0.0\n")
    monkeypatch.setenv("PORT", "5002")
    rows = {row.name: (row.value, row.source) for row in describe(load({"FIRESIDE_RATE_LIMITS": "off"}))}
    assert rows["PORT"] == ("5002", "environment")
    assert rows["FIRESIDE_HOST"] == ("0.0.0.0", ".env")
    assert rows["FIRESIDE_RATE_LIMITS"] == ("off", "flag")
    assert rows["FIRESIDE_PING_INTERVAL_S"] == ("25", "default")
    assert rows["MONGO_URI"] == ("unset", "default")
    assert all(row.meaning.endswith(".") for row in describe(load()))


def test_an_empty_variable_counts_as_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("PORT=5001\nMONGO_URI=\n")
    monkeypatch.setenv("PORT", "")
    settings = load()
    assert (settings.port, settings.mongo_uri) == (5001, None)
    assert {row.name: row.source for row in describe(settings)}["MONGO_URI"] == "default"


def test_settings_do_not_change_afterwards() -> None:
    with pytest.raises(ValueError, match="frozen"):
        load().port = 1  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "http", "PORT must be a whole number from 0 to 65535, not 'http'"),
        ("PORT", "65536", "PORT must be a whole number from 0 to 65535, not '65536'"),
        ("FIRESIDE_BCRYPT_ROUNDS", "3", "FIRESIDE_BCRYPT_ROUNDS must be a whole number from 4 to 16, not '3'"),
        ("FIRESIDE_BCRYPT_ROUNDS", "17", "FIRESIDE_BCRYPT_ROUNDS must be a whole number from 4 to 16, not '17'"),
        ("FIRESIDE_PING_INTERVAL_S", "0", "FIRESIDE_PING_INTERVAL_S must be a number from 0.1 to 3600, not '0'"),
        ("FIRESIDE_PING_INTERVAL_S", "nan", "FIRESIDE_PING_INTERVAL_S must be a number from 0.1 to 3600, not 'nan'"),
        ("FIRESIDE_ENV", "prod", "FIRESIDE_ENV must be development or production, not 'prod'"),
        ("FIRESIDE_LOG_FORMAT", "xml", "FIRESIDE_LOG_FORMAT must be auto, console or json, not 'xml'"),
        ("FIRESIDE_RATE_LIMITS", "maybe", "FIRESIDE_RATE_LIMITS must be on or off, not 'maybe'"),
        ("FIRESIDE_METRICS", "yes", "FIRESIDE_METRICS must be off, local or on, not 'yes'"),
        ("FIRESIDE_METRICS_PORT", "0", "FIRESIDE_METRICS_PORT must be a whole number from 1 to 65535, not '0'"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "me:secret@host:4318", OTLP),
        ("FIRESIDE_HOST", "http://a", "FIRESIDE_HOST must be an IP address or a host name, not 'http://a'"),
        ("FIRESIDE_HOST", "a\nb", r"FIRESIDE_HOST must be an IP address or a host name, not 'a\nb'"),
    ],
)
def test_a_wrong_value_is_one_line_that_names_the_setting_and_what_is_allowed(name: str, value: str, said: str) -> None:
    assert refusal({name: value}) == said


def test_several_wrong_values_are_said_at_once_in_a_line_each() -> None:
    lines = refusal({"PORT": "x", "FIRESIDE_ENV": "y"}).splitlines()
    assert [line.split()[0] for line in lines] == ["PORT", "FIRESIDE_ENV"]


def test_a_wrong_value_is_refused_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("PORT=x\n")
    assert refusal({}).startswith("PORT must be")
    monkeypatch.setenv("PORT", "y")
    assert refusal({}).endswith("not 'y'")


def test_a_dotenv_that_cannot_be_read_is_said_in_a_line() -> None:
    Path(".env").write_bytes(b"PORT=\xff\n")
    assert refusal({}).startswith(".env cannot be read: ")


def test_choices_are_read_without_regard_to_case() -> None:
    assert load({"FIRESIDE_LOG_LEVEL": "INFO", "FIRESIDE_ENV": "Production"}).production


def test_a_home_folder_is_found_where_no_shell_expands_it() -> None:
    assert load({"FIRESIDE_DATA_DIR": "~/chat"}).data_dir == Path.home() / "chat"


@pytest.mark.parametrize(
    "origin",
    ["https://chat.example.org", "http://10.0.0.1:8080", "http://[::1]:3000", "capacitor://localhost", "*"],
)
def test_an_origin_as_browsers_write_it_is_accepted(origin: str) -> None:
    assert load({"FIRESIDE_ALLOWED_ORIGINS": f"https://a.example, {origin}"}).allowed_origins[1] == origin


@pytest.mark.parametrize(
    "origin",
    ["chat.example.org", "https://chat.example.org/", "https://Chat.example.org", "https://*.example.org", "null"],
)
def test_an_origin_that_would_never_match_is_refused(origin: str) -> None:
    said = refusal({"FIRESIDE_ALLOWED_ORIGINS": f"https://a.example,{origin}"})
    assert said.startswith("FIRESIDE_ALLOWED_ORIGINS must be origins such as https://")
    assert said.endswith(f"not {origin!r}")


def test_production_does_not_open_itself_to_every_page() -> None:
    everyone = {"FIRESIDE_ALLOWED_ORIGINS": "*"}
    assert load(everyone).allowed_origins == ("*",)
    said = refusal({**everyone, "FIRESIDE_ENV": "production"})
    assert said == "FIRESIDE_ALLOWED_ORIGINS must name each origin in production, not *"


def test_proxies_are_addresses_or_networks() -> None:
    proxies = ("127.0.0.1", "10.0.0.0/8", "::1")
    assert load({"FIRESIDE_TRUSTED_PROXIES": ",".join(proxies)}).trusted_proxies == proxies
    assert refusal({"FIRESIDE_TRUSTED_PROXIES": "127.0.0.1,nginx"}).endswith("not 'nginx'")


@pytest.mark.parametrize(
    ("uri", "place", "database"),
    [
        ("mongodb://localhost:27017/chat", "mongodb://localhost:27017/chat", "chat"),
        ("mongodb://localhost", "mongodb://localhost/fireside", "fireside"),
        ("mongodb://u:pw@a:1,b:2/?replicaSet=rs", "mongodb://a:1,b:2/fireside", "fireside"),
        ("mongodb+srv://u:p%40w@cluster.example.org/x?w=1", "mongodb+srv://cluster.example.org/x", "x"),
    ],
)
def test_of_a_mongodb_uri_the_place_is_shown_and_nothing_else(uri: str, place: str, database: str) -> None:
    settings = load({"MONGO_URI": uri})
    assert (settings.mongo_place, settings.mongo_database) == (place, database)
    assert {row.name: row.value for row in describe(settings)}["MONGO_URI"] == place


MONGO = {"MONGO_URI": "mongodb://localhost"}


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("valkey://localhost:6379/0", "valkey://localhost:6379/0"),
        ("redis://:p%40w@cache.example.org", "redis://cache.example.org"),
        ("rediss://u:pw@[::1]:6380/2?ssl_ca_certs=/ca.pem", "rediss://[::1]:6380/2"),
        ("unix://u:pw@/run/valkey.sock?db=1", "unix:///run/valkey.sock"),
    ],
)
def test_of_the_url_of_the_bus_the_place_is_shown_and_nothing_else(url: str, place: str) -> None:
    settings = load({**MONGO, "VALKEY_URL": url})
    assert {row.name: row.value for row in describe(settings)}["VALKEY_URL"] == settings.valkey_place == place


@pytest.mark.parametrize("url", ["http://host", "valkey://", "redis://host:port", "redis://a@b@host", "unix://host/x"])
def test_what_is_no_url_of_a_bus_is_refused(url: str) -> None:
    assert refusal({**MONGO, "VALKEY_URL": url}).startswith("VALKEY_URL must be like valkey://host:6379/0")


def test_a_bus_between_processes_on_sqlite_is_refused() -> None:
    assert (
        refusal({"VALKEY_URL": "valkey://host"}) == "VALKEY_URL needs MONGO_URI: several processes cannot share SQLite"
    )


@pytest.mark.parametrize("name", ["MONGO_URI", "VALKEY_URL"])
@settings(deadline=None)
@given(st.text(max_size=4), st.text("@/?:,.%ab ", max_size=6), st.text("@/?&=ab", max_size=6))
def test_no_uri_accepted_or_refused_shows_its_password(name: str, before: str, after: str, options: str) -> None:
    scheme = {"MONGO_URI": "mongodb", "VALKEY_URL": "valkey"}[name]
    try:
        settings = load({**MONGO, name: f"{scheme}://u:{before}PASSWORD{after}@host/0?{options}"})
    except SettingsError as refused:
        shown = str(refused)
    else:
        shown = repr(settings) + repr(describe(settings))
    assert "PASSWORD" not in shown


def test_a_secret_is_shown_nowhere() -> None:
    settings = load({"JWT_SECRET": GOOD})
    key = resolve_secret(settings)
    assert key.value == GOOD
    assert not any(GOOD in shown for shown in (repr(settings), str(settings), repr(describe(settings)), repr(key)))
    assert SHORT not in refusal({"JWT_SECRET": SHORT + "\ud800"})


def test_secrets_have_no_flag_because_command_lines_are_public() -> None:
    without = [setting.name for setting in every_setting() if setting.flag is None]
    assert without == ["JWT_SECRET", "FIRESIDE_METRICS_TOKEN"]


def test_a_misspelt_variable_is_pointed_out_with_what_was_probably_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("FIRESIDE_DATADIR=x\nOTHER=1\nFIRESIDE_HOST=::1\n")
    monkeypatch.setenv("FIRESIDE_JWT_SECRET", GOOD)
    monkeypatch.setenv("FIRESIDE_ZZZ", "1")
    assert misspelt() == [
        "FIRESIDE_DATADIR is not a setting; did you mean FIRESIDE_DATA_DIR?",
        "FIRESIDE_JWT_SECRET is not a setting; did you mean JWT_SECRET?",
        "FIRESIDE_ZZZ is not a setting",
    ]


STRICT = [{"FIRESIDE_ENV": "production"}, {"MONGO_URI": "mongodb://localhost"}]


@pytest.mark.parametrize("flags", STRICT)
def test_where_it_matters_a_start_without_a_secret_is_refused(flags: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^JWT_SECRET must be set .* at least 32 bytes"):
        resolve_secret(load(flags))
    assert not Path("fireside-data").exists()


@pytest.mark.parametrize("flags", STRICT)
def test_where_it_matters_31_bytes_are_refused_and_32_are_not(flags: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"^JWT_SECRET must have at least 32 bytes"):
        resolve_secret(load({**flags, "JWT_SECRET": GOOD[:31]}))
    assert resolve_secret(load({**flags, "JWT_SECRET": GOOD})).warning is None
    assert resolve_secret(load({**flags, "JWT_SECRET": "ü" * 16})).value == "ü" * 16


def test_in_development_a_short_secret_works_with_a_warning() -> None:
    key = resolve_secret(load({"JWT_SECRET": SHORT}))
    assert key.value == SHORT
    assert key.warning
    assert "32 bytes" in key.warning
    assert SHORT not in key.warning


def test_in_development_a_secret_is_made_once_and_kept_for_its_owner_alone() -> None:
    first, second = resolve_secret(load()), resolve_secret(load())
    kept = Path("fireside-data/jwt-secret")
    assert first.value == second.value == kept.read_text()
    assert len(first.value) == 64
    assert (first.origin, second.origin) == (f"made now and kept in {kept}", f"kept in {kept}")
    assert (kept.stat().st_mode & 0o777, kept.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert list(kept.parent.iterdir()) == [kept]


def test_two_servers_that_start_at_once_agree_on_one_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    first = resolve_secret(load())
    monkeypatch.setattr(Path, "exists", lambda _path: False)  # the second looked before the first wrote
    second = resolve_secret(load())
    assert (second.value, second.origin) == (first.value, "kept in fireside-data/jwt-secret")
    assert len(list(Path("fireside-data").iterdir())) == 1


def test_a_kept_secret_that_is_damaged_is_not_used() -> None:
    Path("fireside-data").mkdir()
    Path("fireside-data/jwt-secret").write_text("half")
    with pytest.raises(StartupError, match="is damaged: delete it"):
        resolve_secret(load())


def test_a_kept_secret_that_others_can_read_is_pointed_out() -> None:
    resolve_secret(load())
    Path("fireside-data/jwt-secret").chmod(0o644)
    assert "chmod 600" in (resolve_secret(load()).warning or "")


def test_a_data_folder_that_cannot_be_used_is_said_in_a_line() -> None:
    Path("file").write_text("")
    with pytest.raises(StartupError, match=r"^FIRESIDE_DATA_DIR cannot be used: ") as refused:
        resolve_secret(load({"FIRESIDE_DATA_DIR": "file"}))
    assert len(str(refused.value).splitlines()) == 1


def test_a_secret_may_stand_in_a_file() -> None:
    Path("key").write_text(f"{GOOD}\n")
    key = resolve_secret(load({"FIRESIDE_ENV": "production", "JWT_SECRET_FILE": "key"}))
    assert (key.value, key.origin) == (GOOD, "JWT_SECRET_FILE")


def test_a_secret_file_must_be_there_and_say_something_and_not_contradict() -> None:
    with pytest.raises(SettingsError, match=r"^JWT_SECRET_FILE cannot be read: "):
        resolve_secret(load({"JWT_SECRET_FILE": "nowhere"}))
    Path("key").write_text("\n")
    with pytest.raises(SettingsError, match=r"^JWT_SECRET_FILE must not be empty"):
        resolve_secret(load({"JWT_SECRET_FILE": "key"}))
    assert refusal({"JWT_SECRET_FILE": "key", "JWT_SECRET": GOOD}).startswith("JWT_SECRET and JWT_SECRET_FILE must not")
