"""The command line: what a person types, what they see, and with which status it ends."""

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from io import StringIO
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
import typer

import fireside
from fireside import cli, logs
from fireside.config import Settings, StartupError, every_setting
from fireside.store.sqlite import SqliteEngine
from tests.engines import running

GOOD = "g" * 32
Serve = Callable[[Settings, str], None]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in list(os.environ):
        if name.startswith("FIRESIDE_") or name in {"PORT", "MONGO_URI", "VALKEY_URL", "JWT_SECRET", "JWT_SECRET_FILE"}:
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """The application, replaced: what it was served with, and (`served.then`) what it does then."""
    seen = SimpleNamespace(settings=None, secret=None, logs=None, then=lambda: None)

    def serve(settings: Settings, secret: str, listener: object) -> None:
        seen.settings, seen.secret = settings, secret
        seen.then()

    def configure(level: str, *, json: bool) -> None:
        seen.logs = (level, json)

    application = ModuleType("fireside.app")
    application.__dict__.update(serve=serve, bind=lambda settings: None, listen_beside=lambda settings: [])
    monkeypatch.setitem(sys.modules, "fireside.app", application)
    monkeypatch.setattr(logs, "configure", configure)
    return seen


def run(monkeypatch: pytest.MonkeyPatch, *words: str) -> int:
    """The status that the command ends with."""
    monkeypatch.setattr(sys, "argv", ["fireside", *words])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return int(ended.value.code or 0)


def test_serve_says_where_it_listens_what_it_uses_and_where_the_docs_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], served: SimpleNamespace
) -> None:
    assert run(monkeypatch, "serve", "--port", "5001") == 0
    said = capsys.readouterr().out
    for expected in (
        "http://127.0.0.1:5001\n",
        "http://127.0.0.1:5001/docs\n",
        "SQLite in fireside-data/fireside.db\n",
        "made now and kept in fireside-data/jwt-secret\n",
        "development\n",
    ):
        assert expected in said
    assert (served.settings.port, served.logs) == (5001, ("info", False))
    assert served.secret == Path("fireside-data/jwt-secret").read_text()
    assert served.secret not in said


def test_with_mongodb_the_banner_shows_the_place_without_credentials(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], served: SimpleNamespace
) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    assert run(monkeypatch, "serve", "--mongo-uri", "mongodb://user:password@db.example/chat?w=1") == 0
    said = capsys.readouterr().out
    assert "mongodb://db.example/chat\n" in said
    assert "password" not in said
    assert GOOD not in said
    assert served.secret == GOOD


@pytest.mark.parametrize(
    ("flags", "address"),
    [
        (("--host", "::1"), "http://[::1]:5000"),
        (("--host", "0.0.0.0"), "http://localhost:5000"),
        (("--port", "0"), "a free port of 127.0.0.1, which the log will name"),
    ],
)
def test_the_address_can_be_clicked_or_says_where_it_will_be(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    served: SimpleNamespace,
    flags: tuple[str, ...],
    address: str,
) -> None:
    assert run(monkeypatch, "serve", *flags) == 0
    assert f"{address}\n" in capsys.readouterr().out
    assert served.settings is not None


def test_a_wrong_setting_ends_in_one_line_and_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], served: SimpleNamespace
) -> None:
    monkeypatch.setenv("PORT", "http")
    assert run(monkeypatch, "serve") == 2
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "fireside: PORT must be a whole number from 0 to 65535, not 'http'\n")
    assert served.settings is None


def test_production_without_a_secret_ends_in_one_line_and_2(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], served: SimpleNamespace
) -> None:
    assert run(monkeypatch, "serve", "--env", "production") == 2
    said = capsys.readouterr().err
    assert said.startswith("fireside: JWT_SECRET must be set in production, to at least 32 bytes")
    assert said.count("\n") == 1
    assert served.settings is None


def test_a_start_that_fails_ends_in_one_line_and_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], served: SimpleNamespace
) -> None:
    def taken() -> None:
        raise StartupError("port 5000 is taken: choose another with --port")

    served.then = taken
    assert run(monkeypatch, "serve") == 1
    assert capsys.readouterr().err == "fireside: port 5000 is taken: choose another with --port\n"


def test_being_interrupted_is_a_good_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], served: SimpleNamespace
) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    served.then = interrupted
    assert run(monkeypatch, "serve") == 0
    assert capsys.readouterr().err == ""


def test_workers_are_started_with_the_flags_that_were_given(
    monkeypatch: pytest.MonkeyPatch, served: SimpleNamespace
) -> None:
    supervised: list[tuple[list[str], int]] = []
    monkeypatch.setattr(cli, "supervise", lambda flags, count, *_sockets: supervised.append((flags, count)))
    monkeypatch.setenv("JWT_SECRET", GOOD)
    where = ("--mongo-uri", "mongodb://db.example/chat", "--valkey-url", "valkey://bus.example")
    assert run(monkeypatch, "serve", "--workers", "3", *where) == 0
    ((flags, count),) = supervised
    assert count == 3
    assert flags == [*where, "--workers", "3"]
    assert served.settings is None


def test_misspelt_settings_and_short_secrets_are_pointed_out_at_the_start(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], served: SimpleNamespace
) -> None:
    monkeypatch.setenv("FIRESIDE_PORT", "5001")
    monkeypatch.setenv("JWT_SECRET", "secret")
    assert run(monkeypatch, "serve") == 0
    said = capsys.readouterr().err
    assert "fireside: FIRESIDE_PORT is not a setting; did you mean PORT?\n" in said
    assert "fireside: JWT_SECRET is shorter than 32 bytes" in said
    assert served.settings.port == 5000


def test_config_shows_each_setting_with_value_source_and_meaning(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("JWT_SECRET", GOOD)
    monkeypatch.setenv("MONGO_URI", "mongodb://user:hunter2@db.example/chat")
    assert run(monkeypatch, "config", "--port", "5001") == 0
    said = capsys.readouterr().out
    rows = {cells[1].strip(): cells for line in said.splitlines() if len(cells := line.split("│")) == 6}
    assert list(rows) == [setting.name for setting in every_setting()]
    assert [cell.strip() for cell in rows["PORT"][2:4]] == ["5001", "flag"]
    assert rows["PORT"][4].strip() == "The TCP port to listen on; 0 takes any free one."
    assert GOOD not in said
    assert "hunter2" not in said
    assert not Path("fireside-data").exists()


def test_config_refuses_what_serve_would_refuse(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "config", "--bcrypt-rounds", "99") == 2
    assert "FIRESIDE_BCRYPT_ROUNDS must be a whole number from 4 to 16" in capsys.readouterr().err


def test_the_doctor_says_what_to_do_and_ends_with_1_where_the_server_could_not_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, "doctor") == 0
    said = capsys.readouterr().out
    assert re.search(r"│ signing key +│ ok +│ made at the first start", said)
    assert run(monkeypatch, "doctor", "--env", "production") == 1
    said = capsys.readouterr().out
    assert re.search(r"│ signing key +│ fail +│ JWT_SECRET must be set in production", said)
    assert not Path("fireside-data").exists()


def test_the_doctor_speaks_to_programs_too(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "doctor", "--json", "--port", "x") == 1
    assert json.loads(capsys.readouterr().out) == [
        {
            "check": "settings",
            "status": "fail",
            "found": "PORT must be a whole number from 0 to 65535, not 'x'",
            "advice": "`fireside config` shows all settings; their reference is docs/settings.md.",
        }
    ]


@pytest.mark.parametrize("command", ["serve", "config", "doctor"])
def test_every_setting_but_the_secret_has_a_flag(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str
) -> None:
    assert run(monkeypatch, command, "--help") == 0
    said = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out).split()
    assert {setting.flag for setting in every_setting() if setting.flag} <= set(said)
    assert "--jwt-secret" not in said


def test_an_unknown_flag_is_refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(monkeypatch, "serve", "--prot", "5001") == 2
    assert "--port" in capsys.readouterr().err


def test_python_dash_m_is_the_same_command() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "fireside", "--version"], capture_output=True, text=True, check=True, timeout=60
    )
    assert ended.stdout == f"fireside {fireside.__version__}\n"


def test_a_backup_says_what_it_copied_and_where_to(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database: Path
) -> None:
    assert run(monkeypatch, "backup", "copy.db", "--data-dir", str(database.parent)) == 0
    assert capsys.readouterr().out == f"{database} is copied to copy.db\n"
    assert Path("copy.db").read_bytes()[:15] == b"SQLite format 3"


@pytest.mark.parametrize(
    ("words", "typed", "said"),
    [
        (("backup", "copy.db"), "", "There is no database at fireside-data/fireside.db."),
        (
            ("backup", "copy.db", "--mongo-uri", "mongodb://db.example/chat"),
            "",
            "MONGO_URI is set: back up MongoDB with",
        ),
        (("user", "set-password", "ann"), f"{GOOD}\n", "There is no database at fireside-data/fireside.db."),
        (("user", "set-password", "ann", "--data-dir", "data"), f"{GOOD}\n", "There is no such user."),
        (("user", "set-password", "ann", "--data-dir", "data"), "short\n", "password must be 8 to 72 bytes long"),
        (("user", "set-password", "ann", "--data-dir", "data"), "", "password must be 8 to 72 bytes long"),
    ],
)
@pytest.mark.usefixtures("database")
def test_what_an_admin_cannot_have_is_said_in_a_line_and_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], words: tuple[str, ...], typed: str, said: str
) -> None:
    monkeypatch.setattr(sys, "stdin", StringIO(typed))
    assert run(monkeypatch, *words) == 1
    heard = capsys.readouterr()
    assert heard.out == ""
    assert heard.err.startswith(f"fireside: {said}")
    assert heard.err.count("\n") == 1
    assert not Path("copy.db").exists()
    assert not Path("fireside-data").exists()


def test_at_a_terminal_a_new_password_is_asked_for_twice_and_not_shown(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], database: Path
) -> None:
    asked: list[tuple[bool, bool]] = []

    def prompt(text: str, *, hide_input: bool, confirmation_prompt: bool) -> str:
        asked.append((hide_input, confirmation_prompt))
        return GOOD

    terminal = StringIO()
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stdin", terminal)
    monkeypatch.setattr(typer, "prompt", prompt)
    assert run(monkeypatch, "user", "set-password", "ann", "--data-dir", str(database.parent)) == 1
    assert asked == [(True, True)]
    heard = capsys.readouterr()
    assert (heard.out, heard.err) == ("", "fireside: There is no such user.\n")


@pytest.fixture
def database() -> Path:
    """An empty database in the folder `data`."""
    path = Path("data/fireside.db")

    async def make() -> None:
        async with running(SqliteEngine(path)):
            pass

    asyncio.run(make())
    return path
