"""The examples run as they are, against a real server, and two people talk through them."""

import re
import sys
from pathlib import Path

import pytest

from tests.client.javascript import PACKAGE, build
from tests.journeys.conftest import on_sqlite_alone
from tests.journeys.people import House, Person
from tests.journeys.programs import NODE, Program, node_modules, running
from tests.serving import PASSWORD

EXAMPLES = Path(__file__).parents[2] / "examples"
NAMES = ("walkthrough.sh", "client.mjs", "client.py", "bot.py", "bot.mjs")
MOST_LINES = 60
TRANSPORTS = {"default": {}, "polling": {"TRANSPORTS": "polling"}, "websocket": {"TRANSPORTS": "websocket"}}


@pytest.mark.parametrize("example", NAMES)
def test_each_example_is_short(example: str) -> None:
    assert len((EXAMPLES / example).read_text().splitlines()) < MOST_LINES


def test_there_are_no_examples_that_nobody_tries() -> None:
    programs = {path.name for path in EXAMPLES.iterdir() if path.suffix in {".sh", ".js", ".mjs", ".ts", ".py"}}
    assert programs == set(NAMES)


@on_sqlite_alone
async def test_the_walk_through_shows_what_it_promises(house: House) -> None:
    async with running(EXAMPLES / "walkthrough.sh", house.server.url) as walk:
        said = await walk.finish()
    assert masked(said) == [
        "ann is <id>",
        "bob is <id>",
        "sent once, though asked twice",
        "the history:",
        "  1 <time> Hello Bob",
        "  2 <time> Hello Ann",
    ]


def masked(lines: list[str]) -> list[str]:
    """Without what is different each time."""
    times = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
    return [re.sub(times, "<time>", re.sub(r"[0-9a-f]{24}", "<id>", line)) for line in lines]


@pytest.fixture
def javascript(tmp_path: Path) -> Path:
    """The JavaScript example in a folder where the official client is installed, as its reader would have it."""
    (tmp_path / "node_modules").symlink_to(node_modules())
    copy = tmp_path / "client.mjs"
    copy.write_text((EXAMPLES / "client.mjs").read_text())
    return copy


@pytest.fixture
def javascript_bot(tmp_path: Path) -> Path:
    """The bot in a folder where the client is installed."""
    build()
    packages = tmp_path / "node_modules/@fireside"
    packages.mkdir(parents=True)
    (packages / "client").symlink_to(PACKAGE)
    copy = tmp_path / "bot.mjs"
    copy.write_text((EXAMPLES / "bot.mjs").read_text())
    return copy


def arguments(me: Person, friend: str) -> list[str]:
    return [me.url, me.username, PASSWORD, friend]


@pytest.mark.parametrize("mode", TRANSPORTS)
@on_sqlite_alone
async def test_two_people_talk_one_in_javascript_and_one_in_python(
    javascript: Path, ann: Person, bob: Person, mode: str
) -> None:
    environment = TRANSPORTS[mode]
    async with (
        running(NODE, javascript, *arguments(ann, bob.username), environment=environment) as anns,
        running(sys.executable, EXAMPLES / "client.py", *arguments(bob, ann.username), environment=environment) as bobs,
    ):
        assert await anns.line() == f"connected as {ann.username}"
        assert await bobs.line() == f"connected as {bob.username}"
        await talk(anns, bobs, bob.username, ann.username)
        assert (await anns.finish())[-1] == "disconnected: io client disconnect"
        await bobs.finish()
    assert [message["content"] for message in await ann.history(bob)] == ["Hello Bob", "Hello Ann", "How are you?"]


async def talk(anns: Program, bobs: Program, bob: str, ann: str) -> None:
    await anns.write("Hello Bob")
    assert await anns.line() == "[1] me: Hello Bob"
    assert await bobs.line() == f"[1] {ann}: Hello Bob"
    await bobs.write("Hello Ann")
    assert await bobs.line() == "[2] me: Hello Ann"
    assert await anns.line() == f"[2] {bob}: Hello Ann"
    # A line of nothing is nothing to send.
    await anns.write(" ")
    await anns.write("How are you?")
    assert await anns.line() == "[3] me: How are you?"
    assert await bobs.line() == f"[3] {ann}: How are you?"


@on_sqlite_alone
async def test_the_bot_answers_everything_once_though_it_is_killed(house: House, ann: Person, tmp_path: Path) -> None:
    echo = await house.person("echo")
    command = sys.executable, EXAMPLES / "bot.py", house.server.url, echo.username, PASSWORD
    contents = [f"while it was gone {number}" for number in range(30)]
    async with ann.device() as device:
        for content in contents:
            await device.send(echo, content)
        for _ in range(3):
            async with running(*command, folder=tmp_path) as bot:
                await until(bot, "ready")
                await bot.line()  # It has answered something, and is killed.
        async with running(*command, folder=tmp_path) as bot:
            await until(bot, "ready")
            await device.send(echo, "while it ran")
            await until(bot, "answered 'while it ran'")
    said = await ann.history(echo)
    asked = [each["seq"] for each in said if each["sender"] == ann.id]
    answered = [each["replyTo"] for each in said if each["sender"] == echo.id]
    assert sorted(answered) == asked
    assert said[-1]["content"] == "That was 3 words."


@on_sqlite_alone
async def test_the_javascript_bot_answers_everything_once_whether_it_ran_or_not(
    javascript_bot: Path, house: House, ann: Person
) -> None:
    echo = await house.person("echo")
    command = NODE, javascript_bot, house.server.url, echo.username, PASSWORD
    async with ann.device() as device:
        for time in ("first", "second"):
            await device.send(echo, f"while it was gone, the {time} time")
            await device.send(echo, "and once more")
            async with running(*command) as bot:
                await until(bot, "answered 'and once more'")
                await device.send(echo, "while it ran")
                await until(bot, "answered 'while it ran'")
    said = await ann.history(echo)
    asked = [each["seq"] for each in said if each["sender"] == ann.id]
    assert [each["replyTo"] for each in said if each["sender"] == echo.id] == asked
    assert said[-1]["content"] == "That was 3 words."


@on_sqlite_alone
async def test_the_javascript_bot_says_why_it_is_not_let_in(javascript_bot: Path, ann: Person) -> None:
    async with running(NODE, javascript_bot, ann.url, ann.username, "wrong password") as bot:
        with pytest.raises(AssertionError, match=re.escape("Invalid credentials (invalid_credentials)")):
            await bot.finish()


async def until(program: Program, line: str) -> None:
    while await program.line() != line:
        pass


@pytest.mark.parametrize("language", ["JavaScript", "Python"])
@on_sqlite_alone
async def test_a_client_without_a_friend_or_a_password_says_so(javascript: Path, ann: Person, language: str) -> None:
    command = (NODE, javascript) if language == "JavaScript" else (sys.executable, EXAMPLES / "client.py")
    for given, said in (
        ([ann.url, ann.username, PASSWORD, "nobody.at.all"], "there is nobody called nobody.at.all"),
        ([ann.url, ann.username, "wrong password", "bob"], "Invalid credentials (invalid_credentials)"),
    ):
        async with running(*command, *given) as client:
            with pytest.raises(AssertionError, match=re.escape(said)):
                await client.finish()
