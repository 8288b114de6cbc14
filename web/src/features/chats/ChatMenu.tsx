import { Archive, ArchiveRestore, Bell, BellOff, Mail, MailOpen, Pin, PinOff } from "lucide-react";
import { t } from "../../lib/i18n";
import type { ChatSummary } from "../../model/chats";
import { Menu, type MenuEntry } from "../../ui/Menu";

export interface FlagChanges {
  pinned?: boolean;
  archived?: boolean;
  mutedUntil?: string | null;
  unread?: boolean;
}

interface ChatMenuProps {
  menu: { chat: ChatSummary; at: Element } | null;
  onClose: () => void;
  onFlags: (id: string, flags: FlagChanges) => void;
  onMarkRead: (chat: ChatSummary) => void;
}

const HOUR_MS = 3_600_000;
/** There is no "for ever" on the wire: this is later than anybody looks. */
const FURTHER_NOTICE = "9999-01-01T00:00:00.000Z";

/** What can be done with a conversation, for oneself. */
export function ChatMenu({ menu, onClose, onFlags, onMarkRead }: ChatMenuProps) {
  const entries = menu ? entriesOf(menu.chat, (flags) => onFlags(menu.chat.id, flags), onMarkRead) : [];
  return <Menu anchor={menu?.at ?? null} entries={entries} onClose={onClose} />;
}

function entriesOf(
  chat: ChatSummary,
  set: (flags: FlagChanges) => void,
  onMarkRead: (chat: ChatSummary) => void,
): MenuEntry[] {
  const muteFor = (duration: number) => set({ mutedUntil: new Date(Date.now() + duration).toISOString() });
  const isUnread = chat.unread > 0 || chat.isMarkedUnread;
  return [
    {
      label: t(chat.isPinned ? "chats.unpin" : "chats.pin"),
      icon: chat.isPinned ? <PinOff size={18} /> : <Pin size={18} />,
      onSelect: () => set({ pinned: !chat.isPinned }),
    },
    {
      label: t(isUnread ? "chats.markRead" : "chats.markUnread"),
      icon: isUnread ? <MailOpen size={18} /> : <Mail size={18} />,
      onSelect: () => (isUnread ? onMarkRead(chat) : set({ unread: true })),
    },
    {
      label: t(chat.isArchived ? "chats.unarchive" : "chats.archive"),
      icon: chat.isArchived ? <ArchiveRestore size={18} /> : <Archive size={18} />,
      onSelect: () => set({ archived: !chat.isArchived }),
    },
    "line",
    chat.isMuted && {
      label: t("chats.unmute"),
      icon: <Bell size={18} />,
      onSelect: () => set({ mutedUntil: null }),
    },
    !chat.isMuted && { label: t("chats.muteHour"), icon: <BellOff size={18} />, onSelect: () => muteFor(HOUR_MS) },
    !chat.isMuted && {
      label: t("chats.muteDay"),
      icon: <BellOff size={18} />,
      onSelect: () => muteFor(24 * HOUR_MS),
    },
    !chat.isMuted && {
      label: t("chats.muteAlways"),
      icon: <BellOff size={18} />,
      onSelect: () => set({ mutedUntil: FURTHER_NOTICE }),
    },
  ];
}
