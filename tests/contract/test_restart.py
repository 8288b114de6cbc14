"""What was kept is there after a restart, and the rules hold across it."""

import pytest

from fireside.core.errors import Conflict
from fireside.core.ids import new_id
from fireside.features.messages.service import NEWEST
from tests.contract.samples import direct, message, run, user
from tests.engines import Backend


async def test_everything_is_there_after_a_restart(backend: Backend) -> None:
    ada, bob = user("Ada"), user("Bob")
    talk = direct(ada.id, bob.id)
    log = run(talk.id, 1, 300)
    async with backend.open() as stores:
        await stores.accounts.add(ada)
        await stores.accounts.add(bob)
        await stores.conversations.ensure(talk)
        assert await stores.messages.append(log) == 300
    async with backend.open() as stores:
        assert await stores.accounts.search("", "", 10) == [ada, bob]
        assert await stores.conversations.by_id(talk.id) == talk
        assert await stores.messages.before(talk.id, NEWEST, 1000) == log


async def test_the_rules_hold_across_a_restart(backend: Backend) -> None:
    here, there, ada = new_id(), new_id(), user("ada")
    async with backend.open() as stores:
        await stores.accounts.add(ada)
        await stores.messages.append([message(here, 1, client_id="once")])
    async with backend.open() as stores:
        with pytest.raises(Conflict):
            await stores.accounts.add(user("ADA"))
        assert await stores.messages.append([message(here, 1)]) == 0
        assert await stores.messages.append([message(there, 1, client_id="once")]) == 0
        assert await stores.messages.heads([here, there]) == {here: 1}


async def test_starting_often_changes_nothing(backend: Backend) -> None:
    here = new_id()
    for seq in range(1, 6):
        async with backend.open() as stores:
            assert await stores.messages.append([message(here, seq)]) == 1
            assert await stores.messages.heads([here]) == {here: seq}
