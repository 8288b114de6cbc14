"""Unread counts and receipts against an oracle that counts by hand, over random operations on two nodes, on
SQLite one.

`FIRESIDE_ORACLE_OPERATIONS=100000 pytest tests/features/receipts/test_oracle.py` tries more of them.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from random import Random
from typing import Any

import pytest

from fireside.core.errors import ChatError, Conflict, Forbidden, InvalidInput, NotFound
from fireside.engines import Stores
from tests.engines import FakeBackend, SqliteBackend
from tests.features.receipts.oracle import Oracle, Talk
from tests.features.whole import ANN, BOB, CAT, DAN, EVE, Node, World, open_world

ASKED_FOR = os.environ.get("FIRESIDE_ORACLE_OPERATIONS")
OPERATIONS = int(ASKED_FOR or 3000)
OPERATIONS_ON_SQLITE = int(ASKED_FOR or 500)
PER_WORLD = 500
"""Then everything is compared, and another world begins."""
PEOPLE = (ANN, BOB, CAT, DAN, EVE)
OFTEN = {
    "send": 30,
    "read": 20,
    "deliver": 8,
    "delete": 6,
    "hide": 6,
    "leave": 3,
    "add": 4,
    "secrecy": 2,
    "sleep": 3,
    "die": 1,
    "compare": 18,
}
"""How often each comes."""


class Trial:
    """One world, in which people do things at random, and the oracle."""

    def __init__(self, world: World, random: Random) -> None:
        self._world = world
        self._random = random
        self._oracle = Oracle()
        self._talks: list[Talk] = []
        self.done: Counter[str] = Counter()

    async def begin(self, nodes: int) -> None:
        for _ in range(nodes):
            await self._world.node()
        node = self._world.nodes[0]
        for one, other in ((ANN, BOB), (ANN, CAT), (BOB, EVE)):
            self._talks.append(Talk(await node.direct(one, other), None, False, {one: 0, other: 0}))
        for owner, is_open, others in ((ANN, False, [BOB, CAT, DAN]), (BOB, True, [ANN, EVE]), (CAT, False, [])):
            group = Talk(await node.group(owner, *others, openHistory=is_open), owner, is_open, {owner: 0})
            self._oracle.send(group, owner, self._world.time.now_ms, is_system=True)
            group.members |= dict.fromkeys(others, 0)
            self._talks.append(group)

    async def step(self) -> None:
        """Something happens."""
        (name,) = self._random.choices(list(OFTEN), list(OFTEN.values()))
        self.done[name] += 1
        talk, who = self._random.choice(self._talks), self._random.choice(PEOPLE)
        if self._random.random() < 0.9 and talk.members:
            who = self._random.choice(list(talk.members))
        await getattr(self, f"_{name}")(self._node(), talk, who)
        reader = self._random.choice(PEOPLE)
        if reader in talk.members or reader in talk.gone:
            item = await self._node().item(reader, talk.id)
            assert item["unread"] == self._oracle.unread(talk, reader), "whatever waits to be written"

    async def end(self) -> None:
        """Compare everything, awake and asleep."""
        await self._compare_all()
        for node in self._world.nodes:
            await node.fall_asleep()
        await self._compare_all()

    async def _send(self, node: Node, talk: Talk, who: str) -> None:
        may = self._oracle.send(talk, who, self._world.time.now_ms)
        await self._do(node, may, who, "sendMessage", conversation=talk.id, content="hello")

    async def _read(self, node: Node, talk: Talk, who: str) -> None:
        await self._mark(node, talk, who, "markRead")

    async def _deliver(self, node: Node, talk: Talk, who: str) -> None:
        await self._mark(node, talk, who, "markDelivered")

    async def _mark(self, node: Node, talk: Talk, who: str, command: str) -> None:
        seq = self._random.randint(max(1, len(talk.log) - 8), len(talk.log) + 1)
        may = self._oracle.mark(talk, who, seq, read=command == "markRead")
        await self._do(node, may, who, command, conversation=talk.id, seq=seq)

    async def _delete(self, node: Node, talk: Talk, who: str) -> None:
        seq = self._seq(talk)
        may = self._oracle.delete(talk, who, seq, self._world.time.now_ms)
        await self._do(node, may, who, "deleteMessage", conversation=talk.id, seq=seq)

    async def _hide(self, node: Node, talk: Talk, who: str) -> None:
        seq, hidden = self._seq(talk), self._random.random() < 0.7
        may = self._oracle.hide(talk, who, seq, hidden)
        await self._do(node, may, who, "markMessage", conversation=talk.id, seq=seq, hidden=hidden)

    async def _leave(self, node: Node, talk: Talk, who: str) -> None:
        by = who if self._random.random() < 0.5 else talk.owner or who
        if who == talk.owner:
            return  # or somebody else would own it
        may, fields = self._oracle.leave(talk, who, by, self._world.time.now_ms), {"conversation": talk.id}
        if who == by:
            await self._do(node, may, who, "leaveGroup", **fields)
        else:
            await self._do(node, may, by, "removeMember", **fields, user=who)
        self._world.time.go_on(6)  # the other node takes a group from memory for so long

    async def _add(self, node: Node, talk: Talk, who: str) -> None:
        newcomer = self._random.choice(PEOPLE)
        by = talk.owner if talk.owner is not None and self._random.random() < 0.8 else who
        may = self._oracle.add(talk, newcomer, by, self._world.time.now_ms)
        await self._do(node, may, by, "addMembers", conversation=talk.id, members=[newcomer])
        self._world.time.go_on(6)

    async def _secrecy(self, node: Node, talk: Talk, who: str) -> None:
        # What is on its way by then counts as it was: so nothing is.
        await self._settle()
        self._oracle.turn(who)
        await self._world.stores.accounts.show_reading(who, who not in self._oracle.secretive)
        for each in self._world.nodes:
            each.privacy.learn(who, who not in self._oracle.secretive)

    async def _sleep(self, node: Node, talk: Talk, who: str) -> None:
        self._world.time.go_on(self._random.choice([1, 31, 31, 61]))
        await node.keeper.look()

    async def _die(self, node: Node, talk: Talk, who: str) -> None:
        await self._world.kill(node)
        await self._world.node()
        if self._random.random() < 0.5:
            await self._node().keeper.look()

    async def _compare(self, node: Node, talk: Talk, who: str) -> None:
        await self._settle()
        await self._compare_one(node, talk, who)

    async def _compare_all(self) -> None:
        await self._settle()
        for node in self._world.nodes:
            for talk in self._talks:
                for who in PEOPLE:
                    await self._compare_one(node, talk, who)

    async def _compare_one(self, node: Node, talk: Talk, who: str) -> None:
        if who not in talk.members and who not in talk.gone:
            assert isinstance(await node.refused(who, "getConversation", conversation=talk.id), NotFound)
            return
        item = await node.item(who, talk.id)
        assert item["seq"] == (len(talk.log) if who in talk.members else talk.gone[who][1])
        assert item["unread"] == self._oracle.unread(talk, who)
        receipts = {each["user"]: (each["delivered"], each.get("read", 0)) for each in item["receipts"]}
        self._oracle.learn(talk, who, receipts)
        assert receipts == self._oracle.receipts(talk, who)
        seq = self._seq(talk)
        if talk.sees(who, seq):
            answer = await node.do(who, "getSeenBy", conversation=talk.id, seq=seq)
            assert (set(answer["deliveredTo"]), set(answer["seenBy"])) == self._oracle.seen_by(talk, who, seq)

    async def _do(self, node: Node, may: bool, who: str, command: str, **fields: Any) -> None:
        refused: ChatError | None = None
        try:
            await node.do(who, command, **fields)
        except (NotFound, Forbidden, InvalidInput, Conflict) as refusal:
            refused = refusal
        assert (refused is None) is may, refused

    async def _settle(self) -> None:
        for node in self._world.nodes:
            await node.keeper.look()
            await node.settle()

    def _node(self) -> Node:
        return self._random.choice(self._world.nodes)

    def _seq(self, talk: Talk) -> int:
        return self._random.randint(max(1, len(talk.log) - 15), max(1, len(talk.log)))


async def run(opened: AbstractAsyncContextManager[Stores], nodes: int, seed: int, operations: int) -> Counter[str]:
    async with opened as stores, open_world(stores) as world:
        trial = Trial(world, Random(seed))
        await trial.begin(nodes)
        for _ in range(operations):
            await trial.step()
        await trial.end()
        return trial.done


def worlds(operations: int) -> Iterator[tuple[int, int]]:
    """The seed of each, and its share of the operations."""
    for seed, start in enumerate(range(0, operations, PER_WORLD)):
        yield seed, min(PER_WORLD, operations - start)


@pytest.mark.timeout(7200)
async def test_unread_counts_and_receipts_are_those_of_the_oracle() -> None:
    done: Counter[str] = Counter()
    for seed, many in worlds(OPERATIONS):
        done += await run(FakeBackend().open(), 2, seed, many)
    assert done.total() == OPERATIONS
    print(f"{OPERATIONS:,} operations in memory, no mismatch: {dict(done)}")


@pytest.mark.timeout(7200)
async def test_unread_counts_and_receipts_are_those_of_the_oracle_on_sqlite(tmp_path: Path) -> None:
    done: Counter[str] = Counter()
    for seed, many in worlds(OPERATIONS_ON_SQLITE):
        done += await run(SqliteBackend(tmp_path / f"{seed}.db").open(), 1, seed, many)
    assert done.total() == OPERATIONS_ON_SQLITE
    print(f"{OPERATIONS_ON_SQLITE:,} operations on SQLite, no mismatch: {dict(done)}")
