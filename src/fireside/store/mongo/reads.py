"""Many reads in few round trips: those of one caller, and those of all who ask at the same moment.

A command costs a process more than what it brings. So when thousands come back together, what each of them asks is put
into few commands: a pipeline for each, one behind the other.
"""

from collections.abc import AsyncIterator, Callable, Hashable, Sequence
from typing import TypeVar

from fireside.core.together import Together
from fireside.store.mongo.engine import Collection, MongoEngine
from fireside.store.mongo.errors import translated
from fireside.store.mongo.schema import Document

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

PIPELINES_AT_ONCE = 100
"""Per aggregation: far from the 1,000 stages that one may have."""
KEYS_AT_ONCE = 500
UNDER_WAY = 4
"""Commands of a kind. More would keep a process busy with asking; with fewer a large database had nothing to do."""


async def united(collection: Collection, pipelines: Sequence[Sequence[Document]]) -> AsyncIterator[Document]:
    """What each of these pipelines finds, one after the other, in few round trips."""
    for start in range(0, len(pipelines), PIPELINES_AT_ONCE):
        first, *others = pipelines[start : start + PIPELINES_AT_ONCE]
        whole = [*first, *({"$unionWith": {"coll": collection.name, "pipeline": list(each)}} for each in others)]
        with translated():
            documents = await (await collection.aggregate(whole)).to_list()
        for each in documents:
            yield each


class Pipelines(Together[K, V]):
    """A kind of read, with a pipeline for each key: `value` makes of its documents what there is for the key."""

    def __init__(
        self,
        engine: MongoEngine,
        collection: str,
        pipeline: Callable[[K], list[Document]],
        value: Callable[[list[Document]], V],
    ) -> None:
        super().__init__(self._find, PIPELINES_AT_ONCE, UNDER_WAY)
        self._engine = engine
        self._collection = collection
        self._pipeline = pipeline
        self._value = value

    async def _find(self, keys: list[K]) -> dict[K, V]:
        found: list[list[Document]] = [[] for _ in keys]
        numbered = [[*self._pipeline(key), {"$set": {"asked": number}}] for number, key in enumerate(keys)]
        async for each in united(self._engine.database[self._collection], numbered):
            found[each["asked"]].append(each)
        return {key: self._value(documents) for key, documents in zip(keys, found, strict=True) if documents}
