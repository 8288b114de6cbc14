/**
 * What this device knows, as plain data: for whoever wants to see that it is what everybody else would see. It says
 * nothing that the page does not show to who looks at it.
 */

import type { Client, ConversationForm, Flags, LocalConversation, MessageForm } from "@fireside/client";

export interface Snapshot {
  me: string;
  /** There is a line, nothing is missing, and the server has been told how far this device has got. */
  isSettled: boolean;
  /** Messages that were not sent, or not accepted. */
  waiting: number;
  conversations: Record<string, ConversationSnapshot>;
}

interface ConversationSnapshot {
  about: ConversationForm | null;
  seq: number;
  rev: number;
  first: number;
  messages: MessageForm[];
  unread: number;
  flags: Flags;
  receipts: Record<string, [delivered: number, read: number]>;
  own: Record<number, { starred: boolean; hidden: boolean }>;
}

declare global {
  interface Window {
    fireside?: { snapshot: () => Promise<Snapshot> };
  }
}

export async function snapshotOf(client: Client): Promise<Snapshot> {
  const soon = new Promise<boolean>((resolve) => setTimeout(resolve, 0, false));
  const settled = client.settled().then(
    () => client.status === "online",
    () => false,
  );
  return {
    me: client.state.me,
    isSettled: await Promise.race([settled, soon]),
    waiting: client.waiting().length,
    conversations: Object.fromEntries(
      [...client.state.conversations].map(([id, local]) => [id, conversationOf(local)]),
    ),
  };
}

function conversationOf(local: LocalConversation): ConversationSnapshot {
  const { about, seq, rev, first, unread, flags } = local;
  const messageEntries = [...local.own.values()].filter((entry) => entry.seq);
  return {
    about,
    seq,
    rev,
    first,
    messages: local.history(),
    unread,
    flags,
    receipts: Object.fromEntries(
      [...local.receipts.values()].map(({ user, delivered = 0, read = 0 }) => [user, [delivered, read]]),
    ),
    own: Object.fromEntries(
      messageEntries.map(({ seq: place = 0, starred = false, hidden = false }) => [place, { starred, hidden }]),
    ),
  };
}
