import { Copy, Forward, Info, Pencil, Pin, PinOff, Plus, Reply, Star, StarOff, Trash2 } from "lucide-react";
import { t } from "../../lib/i18n";
import type { Message } from "../../model/types";
import { Menu, type MenuEntry } from "../../ui/Menu";
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
  return (
    <Menu
      anchor={menu?.at ?? null}
      align={message?.sender === me ? "end" : "start"}
      label={t("message.actions")}
      entries={message ? entriesOf(message, isStarred, may, choices) : []}
      head={
        menu &&
        may.write && (
          <QuickReactions
            mine={menu.message.reactions?.[me]}
            onPick={(emoji) => {
              onClose();
              choices.react(emoji);
            }}
            onMore={() => {
              onClose();
              choices.moreEmoji(menu.at);
            }}
          />
        )
      }
      onClose={onClose}
    />
  );
}

function entriesOf(message: Message, isStarred: boolean, may: Allowed, choices: MenuChoices): MenuEntry[] {
  return [
    may.write && { label: t("message.reply"), icon: <Reply size={18} />, onSelect: choices.reply },
    may.edit && { label: t("message.edit"), icon: <Pencil size={18} />, onSelect: choices.edit },
    { label: t("message.copy"), icon: <Copy size={18} />, onSelect: choices.copy },
    { label: t("message.forward"), icon: <Forward size={18} />, onSelect: choices.forward },
    {
      label: t(isStarred ? "message.unstar" : "message.star"),
      icon: isStarred ? <StarOff size={18} /> : <Star size={18} />,
      onSelect: choices.star,
    },
    may.pin && {
      label: t(message.pinned ? "message.unpin" : "message.pin"),
      icon: message.pinned ? <PinOff size={18} /> : <Pin size={18} />,
      onSelect: choices.pin,
    },
    may.info && { label: t("message.info"), icon: <Info size={18} />, onSelect: choices.info },
    "line",
    { label: t("message.delete"), icon: <Trash2 size={18} />, isDanger: true, onSelect: choices.remove },
  ];
}

interface QuickReactionsProps {
  mine: string | undefined;
  onPick: (emoji: string | null) => void;
  onMore: () => void;
}

function QuickReactions({ mine, onPick, onMore }: QuickReactionsProps) {
  return (
    <div className={styles.quick} role="group" aria-label={t("message.react")}>
      {QUICK.map((emoji) => (
        <button
          key={emoji}
          type="button"
          role="menuitemradio"
          className={styles.emoji}
          aria-label={t("message.reactWith", { emoji })}
          aria-checked={mine === emoji}
          onClick={() => onPick(mine === emoji ? null : emoji)}
        >
          {emoji}
        </button>
      ))}
      <IconButton label={t("message.moreEmoji")} role="menuitem" className={styles.more} onClick={onMore}>
        <Plus size={18} />
      </IconButton>
    </div>
  );
}
