import { Copy, Forward, Info, Pencil, Pin, PinOff, Plus, Reply, Star, StarOff, Trash2 } from "lucide-react";
import { t } from "../../lib/i18n";
import type { Message } from "../../model/types";
import { Menu, MenuItem, MenuLine } from "../../ui/Menu";
import { IconButton } from "../../ui/Button";
import styles from "./MessageMenu.module.css";

export const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

/** What this person may do with this message, as far as that can be told here. The server has the last word. */
export interface Allowed {
    write: boolean;
    edit: boolean;
    pin: boolean;
    info: boolean;
}

export interface MenuChoices {
    react: (emoji: string | null) => void;
    moreEmoji: (at: Element) => void;
    reply: () => void;
    edit: () => void;
    copy: () => void;
    forward: () => void;
    star: () => void;
    pin: () => void;
    info: () => void;
    remove: () => void;
}

interface MessageMenuProps {
    menu: { message: Message; at: Element } | null;
    me: string;
    isStarred: boolean;
    may: Allowed;
    choices: MenuChoices;
    onClose: () => void;
}

/** What can be done with a message. */
export function MessageMenu({ menu, me, isStarred, may, choices, onClose }: MessageMenuProps) {
    const message = menu?.message;
    const mine = message?.reactions?.[me];
    return (
        <Menu
            anchor={menu?.at ?? null}
            onClose={onClose}
            align={message?.sender === me ? "end" : "start"}
            label={t("message.actions")}
        >
            {message && (
                <>
                    {may.write && (
                        <div className={styles.quick} role="group" aria-label={t("message.react")}>
                            {QUICK.map((emoji) => (
                                <button
                                    key={emoji}
                                    type="button"
                                    className={styles.emoji}
                                    aria-label={t("message.reactWith", { emoji })}
                                    aria-pressed={mine === emoji}
                                    onClick={() => {
                                        onClose();
                                        choices.react(mine === emoji ? null : emoji);
                                    }}
                                >
                                    {emoji}
                                </button>
                            ))}
                            <IconButton
                                label={t("message.moreEmoji")}
                                className={styles.more}
                                onClick={() => {
                                    onClose();
                                    choices.moreEmoji(menu.at);
                                }}
                            >
                                <Plus size={18} />
                            </IconButton>
                        </div>
                    )}
                    {may.write && (
                        <MenuItem icon={<Reply size={18} />} onSelect={choices.reply}>
                            {t("message.reply")}
                        </MenuItem>
                    )}
                    {may.edit && (
                        <MenuItem icon={<Pencil size={18} />} onSelect={choices.edit}>
                            {t("message.edit")}
                        </MenuItem>
                    )}
                    <MenuItem icon={<Copy size={18} />} onSelect={choices.copy}>
                        {t("message.copy")}
                    </MenuItem>
                    <MenuItem icon={<Forward size={18} />} onSelect={choices.forward}>
                        {t("message.forward")}
                    </MenuItem>
                    <MenuItem icon={isStarred ? <StarOff size={18} /> : <Star size={18} />} onSelect={choices.star}>
                        {t(isStarred ? "message.unstar" : "message.star")}
                    </MenuItem>
                    {may.pin && (
                        <MenuItem
                            icon={message.pinned ? <PinOff size={18} /> : <Pin size={18} />}
                            onSelect={choices.pin}
                        >
                            {t(message.pinned ? "message.unpin" : "message.pin")}
                        </MenuItem>
                    )}
                    {may.info && (
                        <MenuItem icon={<Info size={18} />} onSelect={choices.info}>
                            {t("message.info")}
                        </MenuItem>
                    )}
                    <MenuLine />
                    <MenuItem icon={<Trash2 size={18} />} isDanger onSelect={choices.remove}>
                        {t("message.delete")}
                    </MenuItem>
                </>
            )}
        </Menu>
    );
}
