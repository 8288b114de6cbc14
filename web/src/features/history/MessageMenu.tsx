import { Copy, Forward, Info, Pencil, Pin, PinOff, Plus, Reply, Star, StarOff, Trash2 } from "lucide-react";
import { t } from "../../lib/i18n";
import type { Message } from "../../model/types";
import { Menu, type Choice, type MenuEntry } from "../../ui/Menu";

const QUICK = ["👍", "❤️", "😂", "😮", "😢", "🙏"];

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
      head={menu && may.write ? shortOf(menu, me, choices) : undefined}
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

/** The reactions that are given most. Choosing the one that is given takes it back. */
function shortOf({ message, at }: { message: Message; at: Element }, me: string, choices: MenuChoices): Choice[] {
  const mine = message.reactions?.[me];
  const quick = QUICK.map((emoji) => ({
    label: t("message.reactWith", { emoji }),
    icon: emoji,
    isChosen: mine === emoji,
    onSelect: () => choices.react(mine === emoji ? null : emoji),
  }));
  return [...quick, { label: t("message.moreEmoji"), icon: <Plus size={18} />, onSelect: () => choices.moreEmoji(at) }];
}
