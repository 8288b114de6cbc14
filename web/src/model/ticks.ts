/** How far one's own messages have got, read off the marks of the others. */

import type { LocalConversation } from "@fireside/client";
import type { TickState } from "../ui/Tick";
import type { Message } from "./types";

/** Up to where all others have a conversation, and have read it. */
export function reach(local: LocalConversation, me: string): { delivered: number; read: number } {
  const others = [...local.receipts.values()].filter(({ user }) => user !== me);
  const expected = (local.about?.memberCount ?? 0) - 1;
  // Who has not got anywhere has no mark; and in large groups one is not told of the others.
  if (others.length === 0 || others.length < expected) return { delivered: 0, read: 0 };
  return {
    delivered: Math.min(...others.map((each) => Math.max(each.delivered ?? 0, each.read ?? 0))),
    read: Math.min(...others.map((each) => each.read ?? 0)),
  };
}

/** Of a message of one's own; nobody else has notes to self. */
export function tickOf(local: LocalConversation, message: Message, me: string): TickState | null {
  if (message.sender !== me || message.system || message.deletedAt) return null;
  if (local.about?.kind === "direct" && local.about.memberCount < 2) return "sent";
  const { delivered, read } = reach(local, me);
  return message.seq <= read ? "read" : message.seq <= delivered ? "delivered" : "sent";
}
