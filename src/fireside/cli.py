"""The command line: `fireside serve`, `config`, `doctor`, `backup`, `user`, `torture`, and `--version`.

Owns the flags (one per setting, made from the settings themselves) and what a person sees: the banner, the
table, the one line in place of a traceback. A wrong setting exits with 2, a failed start with 1.
"""

import asyncio
import inspect
import json
import secrets
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, NoReturn

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fireside import __version__, logs
from fireside.config import Setting, Settings, SettingsError, StartupError, describe, every_setting, load, misspelt
from fireside.secret import SigningKey, resolve_secret
from fireside.workers import Line, supervise

app = typer.Typer(
    help="Fireside: a self-hosted chat server.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,  # a pretty traceback prints local variables, and some are secrets
)
user = typer.Typer(help="Look after people's accounts.", no_args_is_help=True)
app.add_typer(user, name="user")

Flags = dict[str, str]
"""What was given on the command line, by the name of the setting."""


def main() -> None:
    """Run the command line; what is wrong is said in a line, without a traceback."""
    try:
        app()
    except SettingsError as error:
        _fail(error, 2)
    except StartupError as error:
        _fail(error, 1)


def _fail(error: Exception, status: int) -> NoReturn:
    for line in str(error).splitlines():
        print(f"fireside: {line}", file=sys.stderr)
    sys.exit(status)


def _say_version(wanted: bool) -> None:
    if wanted:
        print(f"fireside {__version__}")
        raise typer.Exit


@app.callback()
def _before_the_command(
    version: Annotated[
        bool, typer.Option("--version", callback=_say_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    pass


def with_setting_flags(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that takes `flags` a flag for every setting, described by the setting itself."""
    settings = [(setting, setting.flag) for setting in every_setting() if setting.flag]

    def run(**given: object) -> None:
        flags = {setting.name: given.pop(setting.field) for setting, _ in settings}
        command({name: value for name, value in flags.items() if value is not None}, **given)

    own = list(inspect.signature(command).parameters.values())[1:]
    made = [_parameter(setting, flag) for setting, flag in settings]
    parameters = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own] + made
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return run


def _parameter(setting: Setting, flag: str) -> inspect.Parameter:
    # Always text: what it may be is checked with the environment's values, and refused in the same words.
    option = typer.Option(flag, metavar="", show_default=False, help=f"{setting.meaning} [{setting.name}]")
    kind = inspect.Parameter.KEYWORD_ONLY
    return inspect.Parameter(setting.field, kind, default=None, annotation=Annotated[str | None, option])


@app.command()
@with_setting_flags
def serve(flags: Flags) -> None:
    """Serve until stopped."""
    settings = load(flags)
    key = resolve_secret(settings)
    for warning in (*misspelt(), key.warning):
        if warning:
            print(f"fireside: {warning}", file=sys.stderr)
    print(banner(settings, key), flush=True)
    logs.configure(settings.log_level, json=settings.log_json)
    from fireside.app import bind, listen_beside  # here: the other commands need none of what it imports
    from fireside.app import serve as serve_until_stopped

    listener = bind(settings)
    with suppress(KeyboardInterrupt):
        if settings.workers == 1:
            serve_until_stopped(settings, key.value, listener)
        else:
            supervise(_as_arguments(flags), settings.workers, listener, listen_beside(settings))


def _as_arguments(flags: Flags) -> list[str]:
    """The flags as they were given."""
    return [
        part for each in every_setting() if each.flag and each.name in flags for part in (each.flag, flags[each.name])
    ]


@app.command(hidden=True)
@with_setting_flags
def worker(
    flags: Flags,
    listener: Annotated[int, typer.Option("--listener", help="The socket to listen on, by its number.")],
    line: Annotated[int, typer.Option("--line", help="The line to the supervisor, by its number.")],
    beside: Annotated[int | None, typer.Option("--beside", help="The socket for those who watch, likewise.")] = None,
) -> None:
    """Serve as one of several; `serve --workers` starts these."""
    settings = load(flags)
    logs.configure(settings.log_level, json=settings.log_json)
    from fireside.app import serve as serve_until_stopped  # here: as above

    key = resolve_secret(settings)
    watched = socket.socket(fileno=beside) if beside is not None else None
    serve_until_stopped(settings, key.value, socket.socket(fileno=listener), Line(socket.socket(fileno=line)), watched)


@app.command()
@with_setting_flags
def config(
    flags: Flags,
    markdown: Annotated[bool, typer.Option("--markdown", help="Print the reference, docs/settings.md.")] = False,
) -> None:
    """Show each setting: its value, where that came from, and what it means. Secrets are masked."""
    if markdown:
        print(reference(), end="")
        return
    table = Table("Setting", "Value", "Source", "Meaning")
    for row in describe(load(flags)):
        table.add_row(*row)
    _show(table)
    for warning in misspelt():
        print(f"fireside: {warning}", file=sys.stderr)


@app.command()
@with_setting_flags
def doctor(
    flags: Flags,
    as_json: Annotated[bool, typer.Option("--json", help="Print a list of objects, for programs.")] = False,
) -> None:
    """Look at everything the server needs, and say what to do. Ends with 1 if it could not run as it is."""
    from fireside.doctor import examine  # here: the other commands need no database

    findings = asyncio.run(examine(flags))
    if as_json:
        print(json.dumps([finding._asdict() for finding in findings], indent=2))
    else:
        table = Table("Check", "Status", "Found", "What to do")
        for finding in findings:
            status = Text(finding.status, style={"ok": "green", "warn": "yellow", "fail": "bold red"}[finding.status])
            table.add_row(finding.check, status, finding.found, finding.advice)
        _show(table)
    if any(finding.status == "fail" for finding in findings):
        raise typer.Exit(1)


def _show(table: Table) -> None:
    # Piped into a pager or grep, a row must not be folded to 80 columns.
    width = None if sys.stdout.isatty() else 240
    Console(markup=False, emoji=False, highlight=False, width=width).print(table)


@app.command()
@with_setting_flags
def backup(flags: Flags, file: Annotated[Path, typer.Argument(metavar="FILE", help="The copy to make.")]) -> None:
    """Copy the SQLite database to a new file, whole and as of one moment, while the server goes on."""
    settings = load(flags)
    from fireside.admin import back_up  # here: as for `serve`

    back_up(settings, file)
    print(f"{settings.sqlite_path} is copied to {file}")


@user.command()
@with_setting_flags
def set_password(flags: Flags, name: Annotated[str, typer.Argument(metavar="NAME", help="Their username.")]) -> None:
    """Give somebody a new password, asked for or read from the standard input, while the server goes on."""
    settings = load(flags)
    from fireside.admin import set_password  # here: as for `serve`

    found = asyncio.run(set_password(settings, name, _new_password()))
    print(f"{found.username} has a new password. Tokens from before are good until they expire.")


def _new_password() -> str:
    """Never an argument: everyone on a machine can read its command lines."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    asked: str = typer.prompt("New password", hide_input=True, confirmation_prompt=True)
    return asked


@app.command()
def torture(
    url: Annotated[list[str], typer.Option(help="Where it is served; several are taken in turns.")],
    seed: Annotated[int | None, typer.Option(help="Makes the choices of a run again; any, without it.")] = None,
    minutes: Annotated[float, typer.Option(min=0.1, help="How long things go wrong.")] = 5.0,
    clients: Annotated[int, typer.Option(min=6, help="How many devices there are.")] = 40,
    rate: Annotated[float, typer.Option(min=0.1, help="Messages a second, all together.")] = 20.0,
    within: Annotated[
        float, typer.Option(min=1.0, help="Seconds in which everybody has everything at the end.")
    ] = 75.0,
    storm: Annotated[int, typer.Option(min=0, help="So many more connect at once now and then; 0: none.")] = 0,
    fault: Annotated[list[str] | None, typer.Option(help="NAME=COMMAND: something else that is to go wrong.")] = None,
    record: Annotated[Path | None, typer.Option(help="Write all that was seen here, as lines of JSON.")] = None,
) -> None:
    """Try to make a deployment break a promise: people talk over a bad network, and a checker judges (docs/torture.md).

    It registers people and leaves their messages behind. Exit status: 0 all is well, 1 a promise was broken, 2 it could
    not be tried.
    """
    try:
        from fireside.torture import faults, report, run  # here: it needs the extra `client`, and nothing else does
    except ImportError as error:
        _fail(SettingsError(f'{error}: pip install "fireside[client]"'), 2)
    try:
        order = run.Order(
            urls=url,
            seed=secrets.randbelow(1_000_000) if seed is None else seed,
            duration_s=60 * minutes,
            clients=clients,
            rate=rate,
            within_s=within,
            storm=storm,
            faults=dict(map(faults.named_command, fault or ())),
            record=record,
        )
        with _saying() as say:
            outcome = asyncio.run(run.run(order, say))
    except (ValueError, run.CannotRun) as error:
        _fail(error, 2)
    print(report.report(outcome))
    raise typer.Exit(0 if outcome.is_green else 1)


@contextmanager
def _saying() -> Iterator[Callable[[str], None]]:
    """Shows what is going on: in one line on a terminal, else in as many as there are."""
    console = Console(stderr=True, markup=False, highlight=False)
    if not console.is_terminal:
        yield lambda text: print(text, file=sys.stderr, flush=True)
        return
    with console.status("") as status:
        yield status.update


@app.command()
def version() -> None:
    """Print the version."""
    print(f"fireside {__version__}")


def banner(settings: Settings, key: SigningKey) -> str:
    """What a person wants to know at the start, and nothing secret."""
    url = _url(settings)
    lines = {
        "address": url or f"a free port of {settings.host}, which the log will name",
        "API docs": f"{url or ''}/docs",
        "database": settings.mongo_place or f"SQLite in {settings.sqlite_path}",
        **({"bus": settings.valkey_place} if settings.valkey_place else {}),
        "signing key": key.origin,
        "environment": settings.env,
    }
    return "\n".join([f"Fireside {__version__}", *(f"  {label:<12} {value}" for label, value in lines.items())])


def _url(settings: Settings) -> str | None:
    """Where to point a browser; None while the port is not known."""
    if settings.port == 0:
        return None
    host = {"0.0.0.0": "localhost", "::": "localhost"}.get(settings.host, settings.host)  # noqa: S104 - shown, not bound
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"


REFERENCE = """\
# Settings

<!-- Made by `fireside config --markdown > docs/settings.md`; edit the descriptions in src/fireside/config.py. -->

A flag beats the environment, which beats a `.env` file in the working folder, which beats the default. A variable that
is set but empty counts as unset. `fireside config` shows each setting with its value and where that came from, secrets
masked. A value that is not acceptable ends the start with one line that names the setting (exit status 2); a
`FIRESIDE_…` variable that is no setting is pointed out, with the name that was probably meant.

| setting | flag | default | must be | meaning |
|---|---|---|---|---|
"""


def reference() -> str:
    """docs/settings.md, whole."""
    rows = (
        f"| `{setting.name}` | {f'`{setting.flag}`' if setting.flag else '(none: it is secret)'} "
        f"| {setting.default} | {setting.allowed} | {setting.meaning} |"
        for setting in every_setting()
    )
    return REFERENCE + "\n".join(rows) + "\n"
