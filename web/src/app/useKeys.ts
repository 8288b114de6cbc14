import { useEffect, useRef } from "react";
import type { ChatSummary } from "../model/chats";
import { go, to } from "./routes";

interface Keys {
  chats: readonly ChatSummary[];
  openId: string | null;
  onFind: () => void;
}

/** Keys that work everywhere: find, the next conversation, back to the list. */
export function useKeys(keys: Keys): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const { chats, openId, onFind } = latest.current;
      if (event.key.toLowerCase() === "k" && (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
        event.preventDefault();
        onFind();
      } else if (event.altKey && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
        const shown = chats.filter((chat) => !chat.isArchived);
        const at = shown.findIndex((chat) => chat.id === openId);
        const next = shown[event.key === "ArrowDown" ? at + 1 : at - 1];
        if (!next) return;
        event.preventDefault();
        go(next.href);
      } else if (event.key === "Escape" && !event.defaultPrevented && openId) {
        // Whatever stood above has had it first.
        if (document.querySelector('[role="dialog"], [role="menu"]')) return;
        go(to.list());
        requestAnimationFrame(() => document.querySelector<HTMLElement>(`[data-chat="${openId}"]`)?.focus());
      }
    };
    addEventListener("keydown", pressed);
    return () => removeEventListener("keydown", pressed);
  }, []);
}
