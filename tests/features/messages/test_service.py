"""The use cases of messages: what is accepted, and which page is given."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fireside.core.errors import InvalidInput, Unavailable
from fireside.features.conversations.service import View
from fireside.features.messages.service import NEWEST, Done, Draft, Lenses, Message, Messages
from tests.contract.samples import ODD_TEXTS, direct, run
from tests.fakes import FakeMessages
from tests.features.messages.nodes import ANN, HERE, UnreliableMessages, running

NOW_MS = 1_700_000_000_123
SEEN = View(HERE, ANN, 0, None, None)
"""All of it."""
KIB = 1024


class FakeLog:
    """Notes what it is given."""

    def __init__(self) -> None:
        self.drafts: list[Draft] = []
        self.is_full = False

    def append(self, draft: Draft, done: Done) -> None:
        if self.is_full:
            raise Unavailable("The queue is full.")
        self.drafts.append(draft)


class Service:
    """The use cases, on a log that only notes and a store that only reads."""

    def __init__(self) -> None:
        self.log = FakeLog()
        self.store = FakeMessages()
        self.messages = Messages(self.log, self.store, Lenses(), lambda: NOW_MS)

    def send(self, content: str, client_id: str | None = "mine") -> Draft:
        """What was put into the log."""
        self.messages.send(ANN, HERE, content, client_id, lambda _outcome: None)
        return self.log.drafts.pop()

    def refused(self, content: str, client_id: str | None = "mine") -> InvalidInput:
        """Why it was not."""
        with pytest.raises(InvalidInput) as refused:
            self.send(content, client_id)
        assert self.log.drafts == []
        return refused.value

    async def filled(self, count: int) -> list[Message]:
        messages = run(HERE.id, 1, count)
        assert await self.store.append(messages) == count
        return messages


@pytest.fixture
def service() -> Service:
    return Service()


# ── sending ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_message_enters_the_log_as_it_came_with_the_time_it_came(service: Service) -> None:
    assert service.send(" hi\n", "mine") == Draft(HERE, ANN, "mine", " hi\n", NOW_MS)


ANY_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), min_size=1)


@given(ANY_TEXT)
def test_any_text_is_kept_as_it_came(text: str) -> None:
    assert Service().send(text).content == text


@pytest.mark.parametrize(
    "text",
    [*ODD_TEXTS, "e" + "\u0301" * 8191, "\u0301" * 8192, " ", "\n", "\x01", "\ufeff"],
    ids=lambda text: ascii(text)[:20],
)
def test_odd_text_is_kept_as_it_came(service: Service, text: str) -> None:
    assert service.send(text).content == text


async def test_ten_thousand_combining_marks_are_refused_by_their_bytes_and_as_many_as_fit_are_stored_unchanged() -> (
    None
):
    marks = "e" + "\u0301" * 8191
    store = UnreliableMessages()
    async with running(store) as node:
        messages = Messages(node.log, store, Lenses(), lambda: NOW_MS)
        with pytest.raises(InvalidInput, match="20001 bytes"):
            messages.send(ANN, HERE, "e" + "\u0301" * 10_000, None, lambda _outcome: None)
        messages.send(ANN, HERE, marks, None, lambda _outcome: None)
    assert await store.contents() == [marks]


@pytest.mark.parametrize("character", ["a", "\u00e9", "\u6f22", "\U0001f600"], ids=["one", "two", "three", "four"])
def test_the_limit_of_a_content_is_sixteen_kibibytes_of_utf_8(service: Service, character: str) -> None:
    width = len(character.encode())
    padding = "." * (16 * KIB % width)
    full = padding + character * (16 * KIB // width)
    assert len(full.encode()) == 16 * KIB
    assert service.send(full).content == full
    over = service.refused(full + ".")
    assert over.details == {"field": "content", "maxBytes": 16 * KIB}


@pytest.mark.parametrize("bad", ["", "\x00", "a\x00b", "\ud800", "a\udfffb", "\ud83d."], ids=ascii)
def test_a_content_must_be_text_and_not_empty(service: Service, bad: str) -> None:
    assert service.send("good").content == "good"
    assert service.refused(bad).details == {"field": "content"}


def test_without_a_client_id_every_message_gets_one_of_its_own(service: Service) -> None:
    given_ids = {service.send("hi", None).client_id for _ in range(100)}
    assert len(given_ids) == 100
    assert all(given_ids)


@pytest.mark.parametrize("client_id", ["1", "a" * 128, "\u6f22" * 42, " ", "$gt", "{}", "\U0001f600"])
def test_a_client_id_may_be_any_text_of_128_bytes(service: Service, client_id: str) -> None:
    assert service.send("hi", client_id).client_id == client_id


@pytest.mark.parametrize("client_id", ["", "a" * 129, "\u6f22" * 43, "a\x00", "\udc00"], ids=ascii)
def test_a_client_id_must_be_text_of_1_to_128_bytes(service: Service, client_id: str) -> None:
    refused = service.refused("hi", client_id)
    assert refused.details is not None
    assert refused.details["field"] == "clientId"


def test_a_full_log_refuses_and_says_so(service: Service) -> None:
    service.log.is_full = True
    with pytest.raises(Unavailable):
        service.send("hi")


# ── pages ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def numbers(messages: list[Message]) -> list[int]:
    return [each.seq for each in messages]


@pytest.mark.parametrize(
    ("before", "after", "limit", "first", "last"),
    [
        (None, None, 50, 71, 120),
        (None, None, 1, 120, 120),
        (None, None, 100, 21, 120),
        (71, None, 50, 21, 70),
        (21, None, 50, 1, 20),
        (2, None, 50, 1, 1),
        (121, None, 2, 119, 120),
        (NEWEST, None, 2, 119, 120),
        (None, 0, 50, 1, 50),
        (None, 50, 50, 51, 100),
        (None, 100, 50, 101, 120),
        (None, 119, 50, 120, 120),
    ],
)
async def test_a_page_is_the_newest_or_the_next_below_or_above_a_number(
    service: Service, before: int | None, after: int | None, limit: int, first: int, last: int
) -> None:
    await service.filled(120)
    page = await service.messages.page(SEEN, before=before, after=after, limit=limit)
    assert numbers(page) == list(range(first, last + 1))


@pytest.mark.parametrize(("before", "after"), [(0, None), (1, None), (None, 120), (None, NEWEST)])
async def test_a_page_beyond_the_end_is_empty(service: Service, before: int | None, after: int | None) -> None:
    await service.filled(120)
    assert await service.messages.page(SEEN, before=before, after=after, limit=50) == []


async def test_a_page_of_an_empty_conversation_is_empty(service: Service) -> None:
    await service.filled(3)
    elsewhere = View(direct(ANN, ANN), ANN, 0, None, None)
    for before, after in ((None, None), (5, None), (None, 0)):
        assert await service.messages.page(elsewhere, before=before, after=after, limit=50) == []


@pytest.mark.parametrize(
    ("before", "after", "limit", "field"),
    [
        (None, None, 0, "limit"),
        (None, None, -1, "limit"),
        (None, None, 101, "limit"),
        (-1, None, 50, "before"),
        (NEWEST + 1, None, 50, "before"),
        (None, -1, 50, "after"),
        (None, NEWEST + 1, 50, "after"),
        (1 << 64, None, 50, "before"),
        (1, 1, 50, "before"),
        (0, 0, 50, "before"),
    ],
)
async def test_a_page_out_of_range_is_refused(
    service: Service, before: int | None, after: int | None, limit: int, field: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        await service.messages.page(SEEN, before=before, after=after, limit=limit)
    assert refused.value.details == {"field": field}


@given(st.integers(0, 30), st.integers(1, 100), st.booleans())
async def test_paging_from_either_end_meets_every_message_once(count: int, limit: int, upwards: bool) -> None:
    service = Service()
    everything = await service.filled(count)
    met: list[Message] = []
    while True:
        if upwards:
            page = await service.messages.page(SEEN, before=None, after=met[-1].seq if met else 0, limit=limit)
            met += page
        else:
            page = await service.messages.page(SEEN, before=met[0].seq if met else None, after=None, limit=limit)
            met = page + met
        if len(page) < limit:
            break
    assert met == everything


# ── the whole ────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("count", "sizes"),
    [(0, []), (1, [1]), (499, [499]), (500, [500]), (501, [500, 1]), (1200, [500, 500, 200])],
)
async def test_the_whole_conversation_comes_in_pages(service: Service, count: int, sizes: list[int]) -> None:
    everything = await service.filled(count)
    pages = [page async for page in service.messages.all(SEEN)]
    assert [len(page) for page in pages] == sizes
    assert [each for page in pages for each in page] == everything


async def test_what_is_written_while_the_whole_is_read_is_read_too(service: Service) -> None:
    everything = await service.filled(500)
    pages = service.messages.all(SEEN)
    assert await anext(pages) == everything
    late = run(HERE.id, 501, 501)
    await service.store.append(late)
    assert [page async for page in pages] == [late]
