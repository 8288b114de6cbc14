/**
 * All that a device knows: the conversations of its owner, and what is one's own in them. No I/O: `hear` takes what the
 * server tells, `missing` says what to ask it for, and the `take…` methods take the answers.
 *
 * It can be written down (`changes`) and read again (`State.from`), on another day.
 */

import { LocalConversation, type KeptConversation } from "./local.js";
import type {
  Caught,
  ChangedMessage,
  Events,
  Head,
  HeadsForm,
  ItemForm,
  MessageForm,
  MySettings,
  OwnEntry,
  ReceiptsMoved,
  Sync,
} from "./wire.js";

/** Conversations the server is told about when catching up: those in which something happened last. */
export const KNOWN = 200;
export const PAGE = 100;

/** What to ask the server for. */
export type Missing = MissingSync | MissingItem | MissingMessages | MissingChanges | MissingOwn;

/** Whatever happened while nobody listened. `absences`: how often that was when this was found missing. */
export interface MissingSync {
  kind: "sync";
  absences: number;
  cursor: string;
}

/** What a conversation is. */
export interface MissingItem {
  kind: "item";
  conversation: string;
}

/** The messages next above `after`. `lastSeq`: how far the conversation went when this was found missing. */
export interface MissingMessages {
  kind: "messages";
  conversation: string;
  after: number;
  limit: number;
  lastSeq: number;
}

/** What has changed above `after`. */
export interface MissingChanges {
  kind: "changes";
  conversation: string;
  after: number;
  lastRev: number;
}

/** The lines of one's own log above `after`. */
export interface MissingOwn {
  kind: "own";
  after: number;
}

/** What is known beside the conversations, for another day. */
export interface KeptState {
  me: string;
  people: Record<string, string>;
  handled: Record<string, number>;
  cursor: string;
  n: number;
  lastN: number;
  readReceipts: boolean | null;
  absences: number;
  madeGood: number;
  unsettled: string[];
}

/** A conversation for another day, and when something happened in it last: the higher, the later. */
export interface KeptPlace extends KeptConversation {
  order: number;
}

/** What a state was, when it was written down. */
export interface Kept {
  state: KeptState;
  conversations: KeptPlace[];
  messages: MessageForm[];
}

/** What is another than when it was last written down; `null` of what is here no more. */
export interface StateChanges {
  state: KeptState;
  conversations: Map<string, KeptPlace | null>;
  messages: Map<string, Map<number, MessageForm | null>>;
}

/** Hears of messages that are told, whether they are kept here or not. */
export interface Watcher {
  message(message: MessageForm): void;
  entry(entry: OwnEntry): void;
}

/** What the device of `me` knows. */
export class State {
  /** Grows with each change. */
  version = 0;
  /** The one in which something happened last is the last. */
  readonly conversations = new Map<string, LocalConversation>();
  /** Usernames, as far as they are known. */
  people: Record<string, string> = {};
  /** Up to where whoever listens was read the messages of each conversation. */
  handled: Record<string, number> = {};
  cursor = "";
  /** One's own log is known up to this line. */
  n = 0;
  lastN = 0;
  /** Whether one shows others how far one has read, and sees it of them; null as long as that is not known. */
  readReceipts: boolean | null = null;
  /** How often nobody listened. */
  absences = 1;
  /** Up to which of those everything is here. */
  madeGood = 0;
  /** Conversations of which something may be missing. */
  readonly unsettled = new Set<string>();
  watcher: Watcher | null = null;
  private readonly order = new Map<string, number>();
  private changed = new Set<string>();

  constructor(readonly me: string) {}

  /** Not everything that happened while nobody listened is here. */
  get isBehind(): boolean {
    return this.madeGood < this.absences;
  }

  /** Over all conversations. */
  get unread(): number {
    let unread = 0;
    for (const each of this.conversations.values()) unread += each.unread;
    return unread;
  }

  // ── what is heard ────────────────────────────────────────────────────────────────────────────────────────────

  /** Take what the server tells; what is not kept here is passed over. */
  hear(event: string, body: unknown): void {
    if (isKept(event)) (HEARD[event] as (state: State, body: unknown) => void)(this, body);
  }

  /** A message: heard, or the answer to sending one. */
  takeMessage(message: MessageForm): void {
    this.touch(message.conversation).takeMessage(message);
    this.watcher?.message(message);
  }

  /** A message has changed. */
  takeChange({ conversation, rev, message }: ChangedMessage): void {
    this.touch(conversation).takeChange(rev, message);
    if (message) this.watcher?.message(message);
  }

  /** Marks have moved. */
  takeReceipts(moved: ReceiptsMoved): void {
    this.touch(moved.conversation).takeReceipts(moved.receipts);
  }

  /** How far conversations go. */
  takeHeads({ heads, own }: HeadsForm): void {
    for (const head of heads) this.takeHead(head);
    this.lastN = Math.max(this.lastN, own ?? 0);
  }

  private takeHead(head: Head): void {
    this.touch(head.conversation).takeHead(head);
  }

  /** A line of one's own log. */
  takeEntry(entry: OwnEntry): void {
    this.lastN = Math.max(this.lastN, entry.n);
    this.touch(entry.conversation).takeOwn(entry);
    this.watcher?.entry(entry);
    if (entry.n === this.n + 1) this.n = entry.n;
  }

  /** What one has set for oneself. */
  takeSettings({ readReceipts }: MySettings): void {
    if (readReceipts === this.readReceipts) return;
    this.version++;
    if (this.readReceipts !== null) {
      // One sees others' reading from now on, or no more: all of it is asked for again.
      for (const each of this.conversations.values()) {
        each.receipts = new Map();
        this.note(each);
      }
      this.cursor = "";
      this.absences++;
    }
    this.readReceipts = readReceipts;
  }

  // ── catching up ──────────────────────────────────────────────────────────────────────────────────────────────

  /** What to ask the server for after any absence; again until its answer has no `more`. */
  sync(): Sync {
    const recent = [...this.conversations.values()].slice(-KNOWN).filter((each) => each.about !== null);
    return { cursor: this.cursor, known: Object.fromEntries(recent.map((each) => [each.id, each.known()])) };
  }

  /** The answer. */
  takeCaught(missing: MissingSync, caught: Caught): void {
    this.version++;
    for (const item of caught.conversations) this.takeItem(item, caught.people);
    for (const entry of caught.own) this.takeEntry(entry);
    this.takeSettings({ readReceipts: caught.readReceipts });
    if (this.cursor === missing.cursor) this.cursor = caught.cursor;
    // Whoever was away again since the question has to ask again.
    if (!caught.more) this.madeGood = Math.max(this.madeGood, missing.absences);
  }

  // ── what is missing ──────────────────────────────────────────────────────────────────────────────────────────

  /** What to ask the server for, all at once; nothing when everything that is known to be there is here. */
  missing(): Missing[] {
    if (this.isBehind) return [{ kind: "sync", absences: this.absences, cursor: this.cursor }];
    const found: Missing[] = this.n < this.lastN ? [{ kind: "own", after: this.n }] : [];
    for (const id of [...this.unsettled].sort()) {
      const local = this.conversations.get(id);
      const theirs = local ? this.missingOf(local) : [];
      if (!theirs.length) this.unsettled.delete(id);
      found.push(...theirs);
    }
    return found;
  }

  private missingOf(local: LocalConversation): Missing[] {
    const conversation = local.id;
    if (local.isStale || local.about === null) {
      // What came after the question makes it stale again.
      local.isStale = false;
      local.isAsked = true;
      return [{ kind: "item", conversation }];
    }
    const found: Missing[] = [];
    for (const seq of [...local.bare].sort((one, other) => one - other)) {
      if (!local.messages.has(seq)) continue;
      found.push({ kind: "messages", conversation, after: seq - 1, limit: 1, lastSeq: 0 });
    }
    const { seq, lastSeq, rev, lastRev } = local;
    if (seq < lastSeq) found.push({ kind: "messages", conversation, after: seq, limit: PAGE, lastSeq });
    if (rev < lastRev) found.push({ kind: "changes", conversation, after: rev, lastRev });
    return found;
  }

  /** It was asked for, and no answer came. */
  unanswered(missing: Missing): void {
    if (missing.kind === "item") this.touch(missing.conversation).isStale = true;
  }

  /** What the server says of a conversation. */
  takeItem(item: ItemForm, people: Readonly<Record<string, string>>): void {
    Object.assign(this.people, people);
    this.touch(item.conversation._id).takeItem(item);
    for (const message of item.changed) this.watcher?.message(message);
  }

  /** The server says that there is no such conversation for this person. */
  takeNothing(missing: MissingItem): void {
    this.version++;
    this.conversations.delete(missing.conversation);
    this.unsettled.delete(missing.conversation);
    this.changed.add(missing.conversation);
  }

  /** The answer to missing messages. */
  takeMessages(missing: MissingMessages, messages: readonly MessageForm[]): void {
    const local = this.touch(missing.conversation);
    local.takePage(messages, missing.after);
    // Hidden still: it may be so again, by a line that is not here.
    if (messages.some((each) => local.bare.has(each.seq))) this.lastN = Math.max(this.lastN, this.n + 1);
    if (messages.length < missing.limit && local.lastSeq === missing.lastSeq) local.lastSeq = local.seq;
    for (const message of messages) this.watcher?.message(message);
  }

  /** The answer to missing changes. */
  takeChanges(missing: MissingChanges, messages: readonly MessageForm[], rev: number, more: boolean): void {
    const local = this.touch(missing.conversation);
    local.takeChanges(messages, rev);
    if (!more && local.lastRev === missing.lastRev) local.lastRev = local.rev;
    for (const message of messages) this.watcher?.message(message);
  }

  /** The answer to missing lines. */
  takeEntries(missing: MissingOwn, entries: readonly OwnEntry[], more: boolean): void {
    for (const entry of entries) this.takeEntry(entry);
    if (!entries.length && !more && this.n === missing.after) this.lastN = this.n;
  }

  /** The messages next below those of a conversation; `rev` is what it was when they were asked for. */
  takeOlder(local: LocalConversation, messages: readonly MessageForm[], rev: number): void {
    local.takeOlder(messages, rev);
    this.unsettled.add(local.id);
    this.note(local);
  }

  /** Whoever listens was read a conversation up to there. */
  takeHandled(conversation: string, seq: number): void {
    this.version++;
    this.handled[conversation] = seq;
  }

  /** Let go of all but the newest messages of a conversation. */
  forget(local: LocalConversation, keep: number): void {
    if (local.forget(keep)) this.note(local);
  }

  private touch(id: string): LocalConversation {
    const local = this.conversations.get(id) ?? new LocalConversation(id, this.me);
    this.conversations.delete(id);
    this.conversations.set(id, local);
    this.unsettled.add(id);
    this.note(local);
    this.order.set(id, this.version);
    return local;
  }

  private note(local: LocalConversation): void {
    this.version++;
    local.version++;
    this.changed.add(local.id);
  }

  // ── for another day ──────────────────────────────────────────────────────────────────────────────────────────

  /** All of it is to be written down. */
  changeAll(): void {
    for (const local of this.conversations.values()) {
      local.changeAll();
      this.changed.add(local.id);
    }
  }

  /** What is another than when this was last asked. */
  changes(): StateChanges {
    const conversations = new Map<string, KeptPlace | null>();
    const messages = new Map<string, Map<number, MessageForm | null>>();
    for (const id of this.changed) {
      const local = this.conversations.get(id);
      conversations.set(id, local ? { ...local.kept(), order: this.order.get(id) ?? 0 } : null);
      if (local) messages.set(id, local.takeChanged());
    }
    this.changed = new Set();
    return { state: this.kept(), conversations, messages };
  }

  private kept(): KeptState {
    const { me, people, handled, cursor, n, lastN, readReceipts, absences, madeGood } = this;
    return {
      me,
      people,
      handled,
      cursor,
      n,
      lastN,
      readReceipts,
      absences,
      madeGood,
      unsettled: [...this.unsettled],
    };
  }

  /** As it was kept. */
  static from(kept: Kept): State {
    const { me, unsettled, ...rest } = kept.state;
    const state = Object.assign(new State(me), rest, { people: { ...rest.people }, handled: { ...rest.handled } });
    const messages = new Map<string, MessageForm[]>();
    for (const message of kept.messages) {
      const theirs = messages.get(message.conversation);
      if (theirs) theirs.push(message);
      else messages.set(message.conversation, [message]);
    }
    for (const { order, ...place } of [...kept.conversations].sort((one, other) => one.order - other.order)) {
      state.conversations.set(place.id, LocalConversation.from(place, messages.get(place.id) ?? [], me));
      state.order.set(place.id, order);
      state.version = Math.max(state.version, order);
    }
    for (const id of unsettled) state.unsettled.add(id);
    return state;
  }
}

/** What the server tells that is kept here. */
const HEARD: { [event in keyof Events]?: (state: State, body: Events[event]) => void } = {
  messageReceived: (state, body) => state.takeMessage(body),
  messageEdited: (state, body) => state.takeChange(body),
  messageDeleted: (state, body) => state.takeChange(body),
  messageReacted: (state, body) => state.takeChange(body),
  messagePinned: (state, body) => state.takeChange(body),
  receiptUpdated: (state, body) => state.takeReceipts(body),
  heads: (state, body) => state.takeHeads(body),
  ownChanged: (state, body) => state.takeEntry(body),
  meUpdated: (state, body) => state.takeSettings(body),
};

function isKept(event: string): event is keyof Events {
  return Object.hasOwn(HEARD, event);
}
