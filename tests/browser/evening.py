"""An evening among friends: what the pictures show.

It is said by programs, one line after the other, and then put at the hour it belongs to.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import apsw

from fireside.client import Client
from fireside.features.messages.wire import MessageForm
from tests.journeys.people import Json
from tests.serving import FiresideProcess

NOW = datetime(2026, 11, 27, 18, 42, tzinfo=UTC)
"""A Friday."""
ANN, MAYA, JONAS, PRIYA, TOM = "Ann", "Maya", "Jonas", "Priya", "Tom"
ELENI, SAMIR = "Eleni", "Samir"
EVERYBODY = (ANN, MAYA, JONAS, PRIYA, TOM, ELENI, SAMIR)
HIKES, BOOKS, CHOIR, HOUSE = "Saturday hikes", "Book club", "Choir practice", "17 Mill Lane"
GROUPS = {
    HIKES: (MAYA, ANN, JONAS, PRIYA),
    BOOKS: (PRIYA, ANN, TOM),
    CHOIR: (ELENI, ANN, SAMIR, MAYA, TOM),
    HOUSE: (SAMIR, ANN, TOM),
}
FIRST, LAST = "Who is in for Saturday?", "I heard that. Bring cake and I forgive you"
READ = ("Found it, thank you! 🙏", "The heating is back on", "If Maya drives slowly 🙂", LAST)
"""By Ann, beside what came before a word of hers."""
ASKED = "I can take three in the car. 8:15 at the station?"


class Line(NamedTuple):
    """Who says what where, and how many minutes ago; a person's name as a place is Ann's conversation with them."""

    place: str
    who: str
    text: str
    ago: int
    reply_to: str = ""
    reactions: tuple[tuple[str, str], ...] = ()


DAY = 24 * 60
SAID = (
    Line(TOM, TOM, "The parcel is here. Shall I bring it over?", 4 * DAY + 71),
    Line(TOM, ANN, "Yes please, after six", 4 * DAY + 64),
    Line(CHOIR, ELENI, "Altos at seven, everybody else half an hour later", 3 * DAY + 190),
    Line(SAMIR, ANN, "The spare key is with Tom", 2 * DAY + 95),
    Line(SAMIR, SAMIR, "Found it, thank you! 🙏", 2 * DAY + 30),
    Line(HIKES, MAYA, FIRST, DAY - 28),
    Line(HIKES, JONAS, "Me! And the blue tent is dry again", DAY - 35),
    Line(HIKES, ANN, "Count me in", DAY - 37),
    Line(HOUSE, SAMIR, "The heating is back on", 540),
    Line(ELENI, ELENI, "Did the recording come out well?", 310),
    Line(ELENI, ANN, "It did. I send it tonight", 302),
    Line(BOOKS, TOM, "I am two chapters behind 🙈", 95),
    Line(BOOKS, PRIYA, "Chapter nine by Thursday. Bring biscuits 🍪", 61),
    Line(
        HIKES,
        MAYA,
        "Saturday looks *good*: 11° and sun until four",
        44,
        reactions=((JONAS, "🎉"), (PRIYA, "🎉"), (ANN, "☀️")),
    ),
    Line(HIKES, MAYA, "I would take the ridge: https://example.org/trails/kofel", 43),
    Line(HIKES, JONAS, ASKED, 32),
    Line(HIKES, ANN, "8:15 is fine. I bring the map and the big thermos ☕", 28, reply_to=ASKED),
    Line(JONAS, JONAS, "Did you find the head torches?", 21),
    Line(PRIYA, ANN, "Are you coming along?", 16),
    Line(PRIYA, PRIYA, "If Maya drives slowly 🙂", 12),
    Line(HIKES, PRIYA, "_Almost_ sold. How long is the way down?", 11),
    Line(HIKES, MAYA, "Two hours at my pace, three at that of Jonas 😅", 9),
    Line(HIKES, JONAS, LAST, 2),
)


async def have_it(server: FiresideProcess) -> Json:
    """Have all of it said; what Ann was given when she registered."""
    people = {name: await server.register(name) for name in EVERYBODY}
    await talk(server, people)
    await asyncio.to_thread(put_in_time, server.data / "fireside.db")
    return people[ANN]


async def talk(server: FiresideProcess, people: Mapping[str, Json]) -> None:
    """Say it, and read it."""
    ids = {name: person["user"]["_id"] for name, person in people.items()}
    async with AsyncExitStack() as stack:
        clients = {
            name: await stack.enter_async_context(Client(server.url, person["token"]))
            for name, person in people.items()
        }
        places = {
            title: (await clients[members[0]].create_group(title, [ids[each] for each in members[1:]])).id
            for title, members in GROUPS.items()
        }
        said: dict[str, MessageForm] = {}
        for line in SAID:
            other = line.place if line.who == ANN else ANN
            where = {"conversation": places[line.place]} if line.place in places else {"to": ids[other]}
            reply_to = said[line.reply_to].seq if line.reply_to else None
            said[line.text] = await clients[line.who].send(line.text, reply_to=reply_to, **where)
            for person, emoji in line.reactions:
                await clients[person].react(said[line.text], emoji)
        ann = clients[ANN]
        await ann.set_flags(places[HIKES], pinned=True)
        await ann.set_flags(places[CHOIR], mutedUntil="2099-01-01T00:00:00.000Z")
        for name in (MAYA, JONAS, PRIYA):
            clients[name].mark_read(places[HIKES], said[LAST].seq)
        for text in READ:
            ann.mark_read(said[text].conversation, said[text].seq)
        for client in clients.values():
            await client.settled()


def put_in_time(database: Path) -> None:
    """As if it had been said then; a group is made shortly before the first word."""
    with apsw.Connection(str(database)) as connection:
        connection.set_busy_timeout(5_000)
        for line in SAID:
            at = int((NOW - timedelta(minutes=line.ago)).timestamp() * 1000)
            connection.execute("UPDATE messages SET sent_at = ? WHERE content = ?", (at, line.text))
        connection.execute(
            """
            UPDATE messages SET sent_at = (SELECT min(sent_at) - 60000 FROM messages AS said
                                           WHERE said.conversation = messages.conversation)
            WHERE extra ->> '$.system' IS NOT NULL
            """
        )
