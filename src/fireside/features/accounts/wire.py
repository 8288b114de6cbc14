"""What people set for themselves, as clients see it."""

from typing import Annotated

from fireside.core.events import Announcement
from fireside.core.forms import Form, Reply, meant


class UpdateMe(Form, frozen=True):
    """What is to be so for you."""

    read_receipts: Annotated[bool, meant("Whether others see how far you have read, and you see it of others.", True)]


class MySettings(Form, frozen=True):
    """What is so for you."""

    read_receipts: Annotated[bool, meant("Whether others see how far you have read, and you see it of others.", True)]


class Updated(Reply, frozen=True, kw_only=True):
    """It is so now."""

    settings: Annotated[MySettings, meant("What is so for you.")]


ME_UPDATED = Announcement("meUpdated", MySettings, "Another device of yours has changed your settings.")
