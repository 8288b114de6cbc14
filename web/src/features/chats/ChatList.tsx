import { useVirtualizer } from "@tanstack/react-virtual";
import { useCallback, useEffect, useMemo, useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { t } from "../../lib/i18n";
import type { ChatSummary } from "../../model/chats";
import { ChatMenu, type FlagChanges } from "./ChatMenu";
import { ChatRow } from "./ChatRow";
import styles from "./ChatList.module.css";

const ROW_HEIGHT = 72;

interface ChatListProps {
  chats: readonly ChatSummary[];
  openId: string | null;
  now: number;
  empty: ReactNode;
  onFlags: (id: string, flags: FlagChanges) => void;
  onMarkRead: (chat: ChatSummary) => void;
}

/** The conversations, as many as there are: those in view are in the page. Arrow keys move among them. */
export function ChatList({ chats, openId, now, empty, onFlags, onMarkRead }: ChatListProps) {
  const scroller = useRef<HTMLDivElement>(null);
  const [menu, setMenu] = useState<{ chat: ChatSummary; at: Element } | null>(null);
  const [focused, setFocused] = useState<string | null>(null);
  const wantsFocus = useRef(false);
  const getItemKey = useCallback((index: number) => chats[index]?.id ?? index, [chats]);
  const virtual = useVirtualizer({
    count: chats.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_HEIGHT,
    getItemKey,
    overscan: 8,
  });
  const places = useMemo(() => new Map(chats.map((chat, index) => [chat.id, index])), [chats]);
  // The one that Tab reaches: where one was, or the open one, or the first.
  const current = [focused, openId].find((id) => id !== null && places.has(id)) ?? chats[0]?.id;

  useEffect(() => {
    if (!wantsFocus.current) return;
    const row = scroller.current?.querySelector<HTMLElement>(`[data-chat="${focused}"]`);
    if (row) {
      row.focus();
      wantsFocus.current = false;
    }
  });

  const move = (event: KeyboardEvent) => {
    const at = current === undefined ? -1 : (places.get(current) ?? -1);
    const steps: Record<string, number> = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: chats.length - 1 };
    const target = chats[steps[event.key] ?? -1];
    if (!target) return;
    event.preventDefault();
    wantsFocus.current = true;
    setFocused(target.id);
    virtual.scrollToIndex(places.get(target.id) ?? 0);
  };

  if (chats.length === 0) return <div className={styles.none}>{empty}</div>;
  return (
    <nav className={styles.nav} aria-label={t("chats.list")}>
      <div ref={scroller} className={styles.scroller}>
        <ul className={styles.list} style={{ height: virtual.getTotalSize() }} onKeyDown={move}>
          {virtual.getVirtualItems().map((item) => {
            const chat = chats[item.index];
            if (!chat) return null;
            return (
              <li
                key={item.key}
                className={styles.item}
                style={{ transform: `translateY(${item.start}px)` }}
                aria-setsize={chats.length}
                aria-posinset={item.index + 1}
              >
                <ChatRow
                  chat={chat}
                  isOpen={chat.id === openId}
                  isReachable={chat.id === current}
                  now={now}
                  onFocus={setFocused}
                  onMenu={(at) => setMenu({ chat, at })}
                />
              </li>
            );
          })}
        </ul>
      </div>
      <ChatMenu menu={menu} onClose={() => setMenu(null)} onFlags={onFlags} onMarkRead={onMarkRead} />
    </nav>
  );
}
