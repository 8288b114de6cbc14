import { BellOff, ChevronDown, Pin } from "lucide-react";
import { memo } from "react";
import { t } from "../../lib/i18n";
import { listTime } from "../../lib/time/dates";
import type { ChatSummary } from "../../model/chats";
import { Avatar } from "../../ui/Avatar";
import { IconButton } from "../../ui/Button";
import { cx } from "../../ui/cx";
import { Tick } from "../../ui/Tick";
import { useLongPress } from "../../ui/useLongPress";
import styles from "./ChatList.module.css";

const MOST_SHOWN = 999;

interface ChatRowProps {
  chat: ChatSummary;
  isOpen: boolean;
  isReachable: boolean;
  now: number;
  onFocus: (id: string) => void;
  onMenu: (at: Element) => void;
}

/** One conversation in the list. */
export const ChatRow = memo(
  function ChatRow({ chat, isOpen, isReachable, now, onFocus, onMenu }: ChatRowProps) {
    const holding = useLongPress(onMenu);
    const time = chat.at ? listTime(chat.at, now) : "";
    return (
      <div className={cx(styles.row, isOpen && styles.open)} {...holding}>
        <a
          href={chat.href}
          className={styles.link}
          data-chat={chat.id}
          tabIndex={isReachable ? 0 : -1}
          aria-current={isOpen ? "page" : undefined}
          onFocus={() => onFocus(chat.id)}
        >
          <Avatar id={chat.faceId} name={chat.title} isGroup={chat.isGroup} />
          <span className={styles.text}>
            <span className={styles.top}>
              <bdi className={styles.title}>{chat.title}</bdi>
              <time className={cx(styles.time, chat.unread > 0 && !chat.isMuted && styles.timeUnread)}>{time}</time>
            </span>
            <span className={styles.bottom}>
              {chat.tick && !chat.draft && <Tick state={chat.tick} />}
              <span className={styles.preview}>
                {chat.draft && <span className={styles.draft}>{t("chats.draft")} </span>}
                {!chat.draft && chat.author && <span>{chat.author}: </span>}
                <bdi className={cx(chat.isPreviewFaint && !chat.draft && styles.faint)}>
                  {chat.draft || chat.preview}
                </bdi>
              </span>
              {chat.isMuted && <BellOff size={14} className={styles.sign} role="img" aria-label={t("chats.muted")} />}
              {chat.isPinned && <Pin size={14} className={styles.sign} role="img" aria-label={t("chats.pinned")} />}
              {(chat.unread > 0 || chat.isMarkedUnread) && (
                <span className={cx(styles.unread, chat.isMuted && styles.unreadMuted)}>
                  <span aria-hidden>{chat.unread > 0 ? Math.min(chat.unread, MOST_SHOWN) : ""}</span>
                  <span className="sr-only">
                    {chat.unread > 0 ? t("chats.unread", { count: chat.unread }) : t("chats.markedUnread")}
                  </span>
                </span>
              )}
            </span>
          </span>
        </a>
        <IconButton
          label={t("chats.more", { name: chat.title })}
          className={styles.more}
          tabIndex={isReachable ? 0 : -1}
          onClick={(event) => onMenu(event.currentTarget)}
        >
          <ChevronDown size={18} />
        </IconButton>
      </div>
    );
  },
  (one, other) =>
    one.chat === other.chat &&
    one.isOpen === other.isOpen &&
    one.isReachable === other.isReachable &&
    one.now === other.now,
);
