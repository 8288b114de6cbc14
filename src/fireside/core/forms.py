"""Forms: what is decoded from and encoded to clients, and the kinds of fields that several of them have.

A field says what it means in its `Meta`: the protocol reference is made from it, and a field without a description
fails a test.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from fireside.core.ids import ID_LENGTH, message_id
from fireside.core.paging import MAX_LIMIT


class Form(msgspec.Struct, rename="camel", frozen=True, omit_defaults=True):
    """Base of what is decoded from and encoded to clients: camelCase out there, no nulls."""


# The base of acknowledgements. What a subclass adds is `kw_only`, so that `ok` comes first.
class Reply(msgspec.Struct, rename="camel", frozen=True):
    """It is done."""

    ok: Annotated[Literal[True], Meta(description="It was done.")] = True


def meant(description: str, *examples: Any, **rules: Any) -> Meta:
    """What a field means, with examples and what its value must be.

    A field that may be absent is in the example of its form if it has one.
    """
    return Meta(description=description, examples=list(examples) or None, **rules)


HIGHEST = (1 << 47) - 1
"""No seq, rev or line of one's own log is higher: every database can hold it, and so can every client."""
NOT_EMPTY: dict[str, Any] = {"extra_json_schema": {"minLength": 1}}
"""A rule of text that its use case sees to."""

ANNA, BEN, THEIRS = "673f1c2ab5d94e8f0a1b2c3d", "74d0e3b8a1c25f6907b8d4e2", "8f0a1b2c3d673f1c2ab5d94e"
"""Two users and their conversation, in examples."""
assert {len(each) for each in (ANNA, BEN, THEIRS)} == {ID_LENGTH}

UserId = Annotated[str, meant("The `_id` of a user.", ANNA)]
ConversationId = Annotated[str, meant("The `_id` of a conversation.", THEIRS)]
MessageId = Annotated[str, meant("The conversation and the seq, so it sorts as the log does.", message_id(THEIRS, 42))]
Number = Annotated[int, Meta(ge=0, le=HIGHEST)]
Positive = Annotated[int, Meta(ge=1, le=HIGHEST)]
Seq = Annotated[Positive, meant("The number of a message in its conversation: 1, 2, 3 … without a gap.", 42)]
Rev = Annotated[Number, meant("The number of the last change that is in this; 0 if there was none.", 7)]
Time = Annotated[str, meant("UTC, with milliseconds.", "2026-11-22T09:42:00.123Z")]
ClientId = Annotated[
    str, meant("The sender's own name for the message: sending again with it is safe, for ever.", "b1946ac9-1")
]
Limit = Annotated[int, meant(f"How many at most: 1 to {MAX_LIMIT}.", 50, ge=1, le=MAX_LIMIT)]
