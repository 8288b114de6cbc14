"""A client for programs: bots, bridges, tests. `pip install "fireside[client]"`.

    async with Client("http://localhost:5000", login("http://localhost:5000", "ann", PASSWORD)) as client:
        await client.send("Hello", to=bob)

It keeps a connection, comes back when that is lost, and knows at any time what its user would see anywhere else:
`state` has the conversations, the messages that were read, the receipts, what is unread. What is sent with `post` or
`send` is sent until the server has it, once. `on_message` calls a function with every message of others, also with
those that came while the program did not run. `remember()` and `memory` carry all of it over to another day.

Inside, `state` and `local` are the rules by which a client misses nothing, without I/O (docs/sync.md): read them to
write a client in another language.
"""

from fireside.client.client import Client
from fireside.client.connection import Lost, Refused
from fireside.client.local import LocalConversation
from fireside.client.login import login
from fireside.client.outbox import outgoing
from fireside.client.state import State
from fireside.features.messages.wire import MessageForm as Message

__all__ = ["Client", "LocalConversation", "Lost", "Message", "Refused", "State", "login", "outgoing"]
