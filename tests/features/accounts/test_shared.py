"""What is asked of users by everybody at the same moment: few look-ups, and nothing old where something was said."""

import asyncio
from collections.abc import Sequence

from fireside.core.peers import EVERYBODY
from fireside.features.accounts.known import LOOK_UP_MAX
from fireside.features.accounts.names import Names, SharedLookUps
from fireside.features.accounts.privacy import KIND, Privacy
from fireside.features.accounts.service import User
from tests.fakes.peers import FakePeers
from tests.features.accounts.fakes import OpenAccounts
from tests.features.accounts.test_known_users import ticks, users_in


class SlowAccounts(OpenAccounts):
    """Answers `by_ids` when told to, with what it has read before."""

    def __init__(self) -> None:
        super().__init__()
        self.go = asyncio.Event()

    async def by_ids(self, user_ids: Sequence[str]) -> dict[str, User]:
        self.asked.append(list(user_ids))
        found = await super().by_ids(user_ids)
        await self.go.wait()
        return found


async def test_those_who_ask_for_people_at_the_same_moment_ask_together() -> None:
    store = SlowAccounts()
    people = await users_in(store, LOOK_UP_MAX + 10)
    users = SharedLookUps(store)
    names, privacy = Names(users), Privacy(users)
    asking = [asyncio.create_task(names.of([each])) for each in people]
    asking_too = [asyncio.create_task(privacy.open([each])) for each in people]
    await ticks()
    store.go.set()
    assert [await each for each in asking] == [{each: f"user{number}"} for number, each in enumerate(people)]
    assert [await each for each in asking_too] == [{each} for each in people]
    assert len(store.asked) <= 3
    assert max(map(len, store.asked)) == LOOK_UP_MAX


async def test_who_hides_their_reading_while_it_is_being_looked_up_has_hidden_it() -> None:
    store = SlowAccounts()
    (ann,) = await users_in(store, 1)
    privacy = Privacy(SharedLookUps(store))
    asking = asyncio.create_task(privacy.open([ann]))
    await ticks()
    await store.show_reading(ann, False)
    privacy.change(ann, False)
    store.go.set()
    await asking
    assert await privacy.open([ann]) == set()


async def test_nor_is_it_shown_where_another_node_says_so() -> None:
    store, peers = SlowAccounts(), FakePeers()
    (ann,) = await users_in(store, 1)
    privacy = Privacy(SharedLookUps(store), peers=peers)
    asking = asyncio.create_task(privacy.open([ann]))
    await ticks()
    peers.say([EVERYBODY], KIND, f"{ann}0".encode())
    store.go.set()
    assert await asking == set()
    assert await privacy.open([ann]) == set()
