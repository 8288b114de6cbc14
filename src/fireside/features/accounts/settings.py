"""What people set for themselves: commands, and what their other devices hear of it."""

from fireside.core.errors import NotFound
from fireside.core.events import Caller, Command, Publisher, Route
from fireside.features.accounts.privacy import Privacy
from fireside.features.accounts.service import Accounts
from fireside.features.accounts.wire import ME_UPDATED, MySettings, Updated, UpdateMe


class SettingsEndpoints:
    """Commands of one's own settings."""

    def __init__(self, accounts: Accounts, privacy: Privacy, publisher: Publisher) -> None:
        self._accounts = accounts
        self._privacy = privacy
        self._publisher = publisher

    def commands(self) -> tuple[Command, ...]:
        """What clients can do over both wires."""
        return (Command("updateMe", Route("PATCH", "/api/users/me"), UpdateMe, self._update, Updated, (NotFound,)),)

    async def _update(self, caller: Caller, form: UpdateMe) -> Updated:
        """Show others how far you have read, and see it of them; or neither."""
        user = await self._accounts.show_reading(caller.user_id, form.read_receipts)
        self._privacy.change(user.id, user.read_receipts)
        settings = MySettings(read_receipts=user.read_receipts)
        self._publisher.publish([user.id], ME_UPDATED.name, settings, origin=caller.origin)
        return Updated(settings=settings)
