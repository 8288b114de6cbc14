import { Archive, ArchiveRestore, Bell, BellOff, MailOpen, Mail, Pin, PinOff } from "lucide-react";
import { t } from "../../lib/i18n";
import type { ChatSummary } from "../../model/chats";
import { Menu, MenuItem, MenuLine } from "../../ui/Menu";

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
const inMs = (duration: number) => new Date(Date.now() + duration).toISOString();
/** There is no "for ever" on the wire: this is later than anybody looks. */
const FURTHER_NOTICE = "9999-01-01T00:00:00.000Z";

/** What can be done with a conversation, for oneself. */
export function ChatMenu({ menu, onClose, onFlags, onMarkRead }: ChatMenuProps) {
    const chat = menu?.chat;
    const set = (flags: FlagChanges) => () => chat && onFlags(chat.id, flags);
    return (
        <Menu anchor={menu?.at ?? null} onClose={onClose} align="end">
            {chat && (
                <>
                    <MenuItem
                        icon={chat.isPinned ? <PinOff size={18} /> : <Pin size={18} />}
                        onSelect={set({ pinned: !chat.isPinned })}
                    >
                        {t(chat.isPinned ? "chats.unpin" : "chats.pin")}
                    </MenuItem>
                    {chat.unread > 0 || chat.isMarkedUnread ? (
                        <MenuItem icon={<MailOpen size={18} />} onSelect={() => onMarkRead(chat)}>
                            {t("chats.markRead")}
                        </MenuItem>
                    ) : (
                        <MenuItem icon={<Mail size={18} />} onSelect={set({ unread: true })}>
                            {t("chats.markUnread")}
                        </MenuItem>
                    )}
                    <MenuItem
                        icon={chat.isArchived ? <ArchiveRestore size={18} /> : <Archive size={18} />}
                        onSelect={set({ archived: !chat.isArchived })}
                    >
                        {t(chat.isArchived ? "chats.unarchive" : "chats.archive")}
                    </MenuItem>
                    <MenuLine />
                    {chat.isMuted ? (
                        <MenuItem icon={<Bell size={18} />} onSelect={set({ mutedUntil: null })}>
                            {t("chats.unmute")}
                        </MenuItem>
                    ) : (
                        <>
                            <MenuItem icon={<BellOff size={18} />} onSelect={set({ mutedUntil: inMs(HOUR_MS) })}>
                                {t("chats.muteHour")}
                            </MenuItem>
                            <MenuItem icon={<BellOff size={18} />} onSelect={set({ mutedUntil: inMs(24 * HOUR_MS) })}>
                                {t("chats.muteDay")}
                            </MenuItem>
                            <MenuItem icon={<BellOff size={18} />} onSelect={set({ mutedUntil: FURTHER_NOTICE })}>
                                {t("chats.muteAlways")}
                            </MenuItem>
                        </>
                    )}
                </>
            )}
        </Menu>
    );
}
