"""What was kept is there after a restart, and the rules hold across it."""

import pytest

from fireside.core.errors import Conflict
from fireside.core.ids import new_id
from fireside.features.changes.service import Edit, folded
from fireside.features.conversations.activity import Activity
from fireside.features.conversations.groups import GroupCreated, MemberLeft
from fireside.features.inbox.service import InboxRow
from fireside.features.messages.service import NEWEST
from fireside.features.receipts.service import Mark, Receipt
from tests.contract.samples import NOW, change, direct, entry, history, message, run, user
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
        assert await stores.conversations.by_ids([talk.id]) == {talk.id: talk}
        assert await stores.messages.before(talk.id, NEWEST, 1000) == log


async def test_all_that_has_happened_has_happened_after_a_restart(backend: Backend) -> None:
    ada, bob = new_id(), new_id()
    created, left = history((ada, GroupCreated("Friends", (bob,))), (bob, MemberLeft(rev=1)))
    sent, edit = message(created.id, 3, sender=ada), change(created.id, 1, seq=3, what=Edit("anew", "hello"))
    pinned = entry(ada, 1, created.id, pinned=True)
    async with backend.open() as stores:
        await stores.conversations.keep(created, [ada, bob])
        await stores.activity.wake([created.id], "node")
        await stores.messages.append([sent])
        await stores.changes.append([edit])
        await stores.messages.bring_up([folded(sent, [edit])])
        await stores.receipts.raise_to([Receipt(created.id, ada, Mark(3, 3))])
        assert await stores.personal.append(pinned)
        await stores.conversations.keep(left, [bob])
        await stores.activity.sleep([Activity(created.id, 3, 1, NOW)], "node")
        await stores.activity.wake([created.id], "node")
        stamp = await stores.activity.stamp()
    async with backend.open() as stores:
        assert await stores.activity.stamp() == stamp
        row = Activity(created.id, 3, 1, NOW, stamp, ("node",))
        assert await stores.inbox.all(ada) == [InboxRow(row, mark=Mark(3, 3))]
        assert await stores.inbox.changed(bob, stamp - 1, "", 10) == [InboxRow(row, 0, 2)]
        assert await stores.inbox.changed(bob, stamp, "", 10) == []
        assert await stores.conversations.by_ids([left.id]) == {left.id: left}
        assert await stores.messages.at([(left.id, 3)]) == [folded(sent, [edit])]
        assert await stores.changes.after(left.id, 0, 10) == [edit]
        assert await stores.personal.after(ada, 0, 10) == [pinned]
        await stores.activity.sleep([row], "node")
        assert await stores.activity.stamp() > stamp


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
