/** The conversations as the list shows them: what each is called, what was said last, what is unread. */

import type { Client, LocalConversation, Outgoing } from "@fireside/client";
import { useDeferredValue, useMemo, useRef, useSyncExternalStore } from "react";
import { t } from "../lib/i18n";
import { gist, line } from "../lib/text/clean";
import type { TickState } from "../ui/Tick";
import { isEqual, useSelected } from "./client";
import { usePeople } from "./people";
import { useSession } from "./session";
import { systemText } from "./system";
import { tickOf } from "./ticks";
import type { Message } from "./types";

export interface ChatSummary {
  id: string;
  href: string;
  title: string;
  isGroup: boolean;
  /** Whose colour it has: the group's own, or the other person's. */
  faceId: string;
  /** The other person of a direct conversation. */
  user: string | null;
  preview: string;
  /** Who said that, where it is not plain. */
  author: string;
  isPreviewFaint: boolean;
  tick: TickState | null;
  at: string;
  unread: number;
  isMarkedUnread: boolean;
  isPinned: boolean;
  isMuted: boolean;
  isArchived: boolean;
  hasLeft: boolean;
  draft: string;
}

/** What a summary was made of, and the summary. It is made again when one of the former is another. */
interface Known {
  version: number;
  nameOf: (user: string) => string;
  waiting: Outgoing | undefined;
  draft: string;
  isMuted: boolean;
  summary: ChatSummary;
}

/** All of them, pinned ones first, then by when something was said last. The same list as long as nothing in it is another. */
export function useChats(): readonly ChatSummary[] {
  const { client, drafts } = useSession();
  const nameOf = usePeople();
  const known = useRef(new Map<string, Known>());
  const last = useRef<readonly ChatSummary[]>([]);
  // With two thousand conversations it is some work: what is typed and scrolled comes first.
  const version = useDeferredValue(useSelected((current) => current.version));
  const draftVersion = useSyncExternalStore(drafts.subscribe, drafts.version);
  return useMemo(() => {
    const chats = sorted(summaries(client, nameOf, (id) => drafts.get(id), known.current));
    const isSame = chats.length === last.current.length && chats.every((chat, index) => chat === last.current[index]);
    return isSame ? last.current : (last.current = chats);
    // oxlint-disable-next-line react-hooks/exhaustive-deps
  }, [client, drafts, nameOf, version, draftVersion]);
}

function summaries(
  client: Client,
  nameOf: (user: string) => string,
  draftOf: (id: string) => string,
  known: Map<string, Known>,
): ChatSummary[] {
  const { me, conversations } = client.state;
  const found: ChatSummary[] = [];
  const waiting = lastByPlace(client.waiting());
  for (const local of conversations.values()) {
    const other = otherOf(local, me) ?? "";
    const mine = waiting.get(local.id) ?? waiting.get(other);
    if (!local.about || (local.seq === 0 && !mine)) continue;
    const of = {
      version: local.version,
      nameOf,
      waiting: mine,
      draft: draftOf(other || local.id),
      isMuted: isMuted(local),
    };
    const held = known.get(local.id);
    const isSame = held && (Object.keys(of) as (keyof typeof of)[]).every((part) => held[part] === of[part]);
    if (isSame) found.push(held.summary);
    else {
      const made = summarised(local, me, nameOf, mine, of.draft);
      const summary = held && isEqual(held.summary, made) ? held.summary : made;
      known.set(local.id, { ...of, summary });
      found.push(summary);
    }
  }
  for (const [place, message] of waiting) {
    const isNew = !conversations.has(place) && !directWith(conversations.values(), me, place);
    if (isNew) found.push(begun(place, me, nameOf, message));
  }
  return found;
}

function sorted(chats: ChatSummary[]): ChatSummary[] {
  return chats.sort((one, other) => {
    if (one.isPinned !== other.isPinned) return one.isPinned ? -1 : 1;
    if (one.at !== other.at) return one.at > other.at ? -1 : 1;
    return one.id > other.id ? 1 : -1;
  });
}

/** What a conversation is called. */
export function titleOf(local: Pick<LocalConversation, "about">, me: string, nameOf: (user: string) => string): string {
  const { about } = local;
  if (!about) return "";
  if (about.kind === "group") return line(about.title ?? "", 80);
  const other = about.members.find(({ user }) => user !== me);
  return other
    ? other.username || nameOf(other.user)
    : t("chats.yourself", { name: about.members[0]?.username ?? nameOf(me) });
}

/** The other person of a direct conversation; oneself in notes to self; nobody in a group. */
export function otherOf({ about }: Pick<LocalConversation, "about">, me: string): string | null {
  if (about?.kind !== "direct") return null;
  return about.members.find(({ user }) => user !== me)?.user ?? me;
}

/** The conversation this person has with another one, if there is one. */
export function directWith(
  conversations: Iterable<LocalConversation>,
  me: string,
  user: string,
): LocalConversation | undefined {
  for (const local of conversations) if (otherOf(local, me) === user) return local;
  return undefined;
}

/** What was given last of what waits, by where it goes. */
function lastByPlace(waiting: readonly Outgoing[]): Map<string, Outgoing> {
  return new Map(waiting.map((each) => [each.conversation ?? each.recipient ?? "", each]));
}

function isMuted(local: LocalConversation): boolean {
  const { mutedUntil } = local.flags;
  return Boolean(mutedUntil && Date.parse(mutedUntil) > Date.now());
}

function summarised(
  local: LocalConversation,
  me: string,
  nameOf: (user: string) => string,
  waiting: Outgoing | undefined,
  draft: string,
): ChatSummary {
  const isGroup = local.about?.kind === "group";
  const other = otherOf(local, me);
  const { pinned, archived, unread } = local.flags;
  const last = lastShown(local);
  return {
    id: local.id,
    href: `#/c/${local.id}`,
    title: titleOf(local, me, nameOf),
    isGroup,
    faceId: other ?? local.id,
    user: other,
    ...(waiting ? waitingPreview(waiting) : previewOf(local, last, isGroup, me, nameOf)),
    at: waiting ? isoOf(waiting) : (last?.timestamp ?? local.about?.createdAt ?? ""),
    unread: local.unread,
    isMarkedUnread: unread ?? false,
    isPinned: pinned ?? false,
    isMuted: isMuted(local),
    isArchived: archived ?? false,
    hasLeft: local.isLeft,
    draft: line(draft, 120),
  };
}

/** A conversation that begins with what is waiting. */
function begun(user: string, me: string, nameOf: (user: string) => string, waiting: Outgoing): ChatSummary {
  const name = nameOf(user);
  return {
    id: user,
    href: `#/u/${user}`,
    title: user === me ? t("chats.yourself", { name }) : name,
    isGroup: false,
    faceId: user,
    user,
    ...waitingPreview(waiting),
    at: isoOf(waiting),
    unread: 0,
    isMarkedUnread: false,
    isPinned: false,
    isMuted: false,
    isArchived: false,
    hasLeft: false,
    draft: "",
  };
}

const isoOf = ({ at }: Outgoing) => new Date(at).toISOString();

type Preview = Pick<ChatSummary, "preview" | "author" | "isPreviewFaint" | "tick">;

const waitingPreview = ({ content, refused }: Outgoing): Preview => ({
  preview: gist(content, 120),
  author: "",
  isPreviewFaint: false,
  tick: refused ? "failed" : "waiting",
});

function previewOf(
  local: LocalConversation,
  last: Message | undefined,
  isGroup: boolean,
  me: string,
  nameOf: (user: string) => string,
): Preview {
  if (!last) return { preview: "", author: "", isPreviewFaint: true, tick: null };
  if (last.system) return { preview: systemText(last, me, nameOf), author: "", isPreviewFaint: true, tick: null };
  const isMine = last.sender === me;
  if (last.deletedAt) {
    return {
      preview: t(isMine ? "message.deletedByYou" : "message.deleted"),
      author: "",
      isPreviewFaint: true,
      tick: null,
    };
  }
  const author = isGroup && !isMine ? nameOf(last.sender) : "";
  return {
    preview: gist(last.content, 120),
    author,
    isPreviewFaint: false,
    tick: isMine ? tickOf(local, last, me) : null,
  };
}

/** The last message that there is something to see of. */
function lastShown(local: LocalConversation): Message | undefined {
  for (let seq = local.seq; seq >= local.first && seq > local.seq - 20; seq--) {
    const message = local.messages.get(seq);
    if (message && !message.hidden) return message;
  }
  return local.messages.get(local.seq);
}
