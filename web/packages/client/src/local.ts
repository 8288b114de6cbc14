/**
 * A conversation as a device has it: brought up to date by whatever it hears, in any order, any number of times.
 *
 * What must stay true:
 *
 * - The messages `first` … `seq` are here without a gap, and every change up to `rev` is in them. What came after a gap
 *   is here, too, above `seq`.
 * - A message is replaced by a later state of it alone, so what is heard twice, late or out of order changes nothing.
 * - How far the conversation goes is known (`lastSeq`, `lastRev`) as soon as anything tells it. So what is missing need
 *   not be noted anywhere: it is the difference.
 */

import type { ConversationForm, Flags, Head, ItemForm, KnownForm, MessageForm, OwnEntry, ReceiptForm } from "./wire.js";

/** What is known of a conversation beside its messages, for another day. */
export interface KeptConversation {
  id: string;
  about: ConversationForm | null;
  first: number;
  seq: number;
  rev: number;
  lastSeq: number;
  lastRev: number;
  receipts: ReceiptForm[];
  own: OwnEntry[];
  aboutUpTo: number;
  toldUnread: number;
  toldUpTo: number;
  isStale: boolean;
  bare: number[];
}

/** One of this person's conversations. `me` is who has this device. */
export class LocalConversation {
  /** Grows with each change. */
  version = 0;
  /** Null until the server has been asked what it is. */
  about: ConversationForm | null = null;
  messages = new Map<number, MessageForm>();
  first = 1;
  seq = 0;
  rev = 0;
  lastSeq = 0;
  lastRev = 0;
  receipts = new Map<string, ReceiptForm>();
  /** What is one's own: of the conversation (0), and of messages. */
  own = new Map<number, OwnEntry>();
  /** The server is to be asked again what it is. */
  isStale = false;
  /** Messages that are hidden here and, as far as is known, no more: what they say has to be read again. */
  bare = new Set<number>();
  /** The server is being asked: who goes away before the answer has to ask again. */
  isAsked = false;
  /** The message as of which `about` is. */
  private aboutUpTo = 0;
  /** What the server has counted, for when not everything that is unread is here. */
  private toldUnread = 0;
  private toldUpTo = 0;
  /** Messages that are another than when it was last written down; null of one that is here no more. */
  private changed = new Map<number, MessageForm | null>();
  private shown: readonly MessageForm[] | null = null;

  constructor(
    readonly id: string,
    private readonly me: string,
  ) {}

  // ── what there is to see ─────────────────────────────────────────────────────────────────────────────────────

  /** The messages that are here without a gap, oldest first. The same array as long as they are the same. */
  history(): readonly MessageForm[] {
    if (this.shown) return this.shown;
    const history: MessageForm[] = [];
    for (let seq = this.first; seq <= this.seq; seq++) history.push(this.messages.get(seq) as MessageForm);
    this.shown = history;
    return history;
  }

  /** Whether there is nothing older. */
  get isWhole(): boolean {
    return this.about !== null && this.first <= (this.about.since ?? 0) + 1;
  }

  /** Whether one has left it. */
  get isLeft(): boolean {
    return this.about?.until != null;
  }

  /** What is one's own of the conversation. */
  get flags(): Flags {
    return this.own.get(0)?.flags ?? NO_FLAGS;
  }

  /** Up to where one has read, on any device. */
  get read(): number {
    return Math.max(this.about?.since ?? 0, this.receipts.get(this.me)?.read ?? 0);
  }

  /** How many messages one has not read: not one's own, not deleted, not a system message. */
  get unread(): number {
    if (this.about === null || this.isLeft) return 0;
    if (!this.holdsUnread()) return this.toldUnread;
    let unread = 0;
    for (let seq = this.read + 1; seq <= this.seq; seq++) {
      if (this.counts(this.messages.get(seq) as MessageForm)) unread++;
    }
    return unread;
  }

  /** What there is to see of it, as plain data. */
  plain() {
    const { id, about, first, seq, rev, unread, flags } = this;
    const [receipts, own] = [[...this.receipts.values()], [...this.own.values()]];
    return { id, about, first, seq, rev, unread, flags, receipts, own, messages: this.history() };
  }

  /** How much of it is here, for the server. */
  known(): KnownForm {
    return { seq: this.seq, rev: this.rev };
  }

  // ── what is heard ────────────────────────────────────────────────────────────────────────────────────────────

  /** A new message, or one again. */
  takeMessage(message: MessageForm): void {
    this.version++;
    this.lastSeq = Math.max(this.lastSeq, message.seq);
    this.put(message);
    this.advance();
  }

  /** A message has changed. */
  takeChange(rev: number, message: MessageForm | undefined | null): void {
    this.version++;
    this.lastRev = Math.max(this.lastRev, rev);
    if (message) {
      this.lastSeq = Math.max(this.lastSeq, message.seq);
      this.put(message);
      this.advance();
      this.weigh(message);
    }
    if (rev === this.rev + 1 && this.about !== null) this.rev = rev;
  }

  /** Marks have moved. */
  takeReceipts(receipts: readonly ReceiptForm[]): void {
    this.version++;
    const before = this.read;
    for (const receipt of receipts) this.raise(receipt);
    if (this.read > before && !this.holdsUnread()) this.isStale = true;
  }

  /** How far it goes. */
  takeHead(head: Head): void {
    this.version++;
    this.lastSeq = Math.max(this.lastSeq, head.seq);
    this.lastRev = Math.max(this.lastRev, head.rev);
    if (head.receipts == null) return;
    let sum = 0;
    for (const { delivered = 0, read = 0 } of this.receipts.values()) sum += delivered + read;
    // They only rise. Here they can be ahead: what sending implies the server may not have written yet.
    if (head.receipts > sum) this.isStale = true;
  }

  /** What one has said of it, or of a message in it. */
  takeOwn(entry: OwnEntry): void {
    const seq = entry.seq ?? 0;
    const was = this.own.get(seq);
    if (entry.n <= (was?.n ?? 0)) return;
    this.version++;
    this.own.set(seq, entry);
    const message = this.messages.get(seq);
    if (message && entry.hidden) this.set(seq, blank(message));
    else if (message?.hidden) this.bare.add(seq);
    if ((entry.hidden ?? false) !== (was?.hidden ?? false) && !this.holdsUnread()) this.isStale = true;
  }

  /** What the server says of it, with its end. */
  takeItem(item: ItemForm): void {
    this.version++;
    if (this.about === null) {
      this.first = Math.min(item.seq + 1, ...item.messages.map((message) => message.seq));
      this.seq = this.first - 1;
      this.rev = item.rev;
      this.shown = null;
    }
    this.isAsked = false;
    this.about = item.conversation;
    this.aboutUpTo = item.seq;
    this.forgetBelow((item.conversation.since ?? 0) + 1);
    this.lastSeq = Math.max(this.lastSeq, item.seq);
    this.lastRev = Math.max(this.lastRev, item.rev);
    for (const message of item.messages) this.put(message);
    for (const message of item.changed) this.put(message);
    if (item.changedFrom <= this.rev) this.rev = Math.max(this.rev, item.rev);
    const before = this.receipts;
    this.receipts = new Map(item.receipts.map((each) => [each.user, raised(each, before.get(each.user))]));
    this.toldUnread = item.unread;
    this.toldUpTo = item.seq;
    this.advance();
  }

  /** The messages next above `after`, which was `seq` when they were asked for. */
  takePage(messages: readonly MessageForm[], after: number): void {
    this.version++;
    const [first] = messages;
    // What is between is not there for this reader.
    if (first && first.seq > after + 1) this.forgetBelow(first.seq);
    for (const message of messages) {
      this.put(message);
      const held = this.messages.get(message.seq);
      const isEarlier = (held?.rev ?? 0) > (message.rev ?? 0);
      if (!isEarlier && !this.contradicts(message)) this.bare.delete(message.seq);
    }
    this.advance();
  }

  /** All that has changed from `rev` as it was to this one. */
  takeChanges(messages: readonly MessageForm[], rev: number): void {
    this.version++;
    for (const message of messages) {
      this.put(message);
      this.weigh(message);
    }
    this.rev = Math.max(this.rev, rev);
    this.advance();
  }

  /**
   * The messages next below `first`; `rev` is what it was when they were asked for.
   *
   * What has changed since then may not be in them: it is asked for again.
   */
  takeOlder(messages: readonly MessageForm[], rev: number): void {
    this.version++;
    for (const message of [...messages].reverse()) {
      if (message.seq !== this.first - 1) continue;
      this.first = message.seq;
      this.lay(message);
    }
    if (messages.length) this.rev = Math.min(this.rev, rev);
  }

  /** Let go of all but the newest `keep` messages. Whether there were more. */
  forget(keep: number): boolean {
    if (this.seq - this.first + 1 <= keep) return false;
    this.version++;
    this.toldUnread = this.unread;
    this.toldUpTo = this.seq;
    this.forgetBelow(this.seq - keep + 1);
    return true;
  }

  // ── for another day ──────────────────────────────────────────────────────────────────────────────────────────

  /** What is known beside the messages. */
  kept(): KeptConversation {
    const { id, about, first, seq, rev, lastSeq, lastRev, aboutUpTo, toldUnread, toldUpTo } = this;
    const isStale = this.isStale || this.isAsked;
    const more = { receipts: [...this.receipts.values()], own: [...this.own.values()], bare: [...this.bare] };
    return { id, about, first, seq, rev, lastSeq, lastRev, aboutUpTo, toldUnread, toldUpTo, isStale, ...more };
  }

  /** Messages that are another than when this was last asked; null of one that is here no more. */
  takeChanged(): Map<number, MessageForm | null> {
    const changed = this.changed;
    this.changed = new Map();
    return changed;
  }

  /** All of them are to be written down. */
  changeAll(): void {
    for (const [seq, message] of this.messages) this.changed.set(seq, message);
  }

  /** As it was kept. */
  static from(kept: KeptConversation, messages: Iterable<MessageForm>, me: string): LocalConversation {
    const { receipts, own, bare, ...rest } = kept;
    const local = new LocalConversation(kept.id, me);
    Object.assign(local, rest);
    local.messages = new Map(Array.from(messages, (message) => [message.seq, message]));
    local.receipts = new Map(receipts.map((each) => [each.user, each]));
    local.own = new Map(own.map((each) => [each.seq ?? 0, each]));
    local.bare = new Set(bare);
    return local;
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

  private put(message: MessageForm): void {
    if (this.about === null || message.seq < this.first) return;
    const held = this.messages.get(message.seq);
    const [was, is] = [held?.rev ?? 0, message.rev ?? 0];
    const isShownAgain = held?.hidden && !message.hidden && was === is;
    if (!held || was < is || isShownAgain) this.lay(message);
    // Who sends has read.
    if (message.sender === this.me && !this.isLeft) {
      this.raise({ user: this.me, delivered: message.seq, read: message.seq });
    }
  }

  private lay(message: MessageForm): void {
    this.set(message.seq, this.mine(message));
    if (this.contradicts(message)) this.bare.add(message.seq);
  }

  /** It is hidden, and one's own log says that it is shown: one of the two is old. */
  private contradicts(message: MessageForm): boolean {
    const entry = this.own.get(message.seq);
    return message.hidden === true && entry !== undefined && !entry.hidden;
  }

  private set(seq: number, message: MessageForm): void {
    this.messages.set(seq, message);
    this.changed.set(seq, message);
    this.shown = null;
  }

  private raise(receipt: ReceiptForm): void {
    this.receipts.set(receipt.user, raised(receipt, this.receipts.get(receipt.user)));
  }

  /** Where not all that is unread is here, the server has to count again what was deleted. */
  private weigh(message: MessageForm): void {
    if (message.deletedAt && !this.holdsUnread()) this.isStale = true;
  }

  private advance(): void {
    for (let message = this.messages.get(this.seq + 1); message; message = this.messages.get(this.seq + 1)) {
      this.seq++;
      this.shown = null;
      if (message.system && this.seq > this.aboutUpTo) this.isStale = true;
      if (this.seq > this.toldUpTo) {
        if (this.counts(message)) this.toldUnread++;
        this.toldUpTo = this.seq;
      }
    }
    if (this.read >= this.seq) this.toldUnread = 0;
  }

  private forgetBelow(floor: number): void {
    if (floor <= this.first) return;
    this.shown = null;
    for (const seq of this.messages.keys()) {
      if (seq >= floor) continue;
      this.messages.delete(seq);
      this.changed.set(seq, null);
    }
    this.first = floor;
    this.seq = Math.max(this.seq, floor - 1);
  }

  private mine(message: MessageForm): MessageForm {
    return this.own.get(message.seq)?.hidden ? blank(message) : message;
  }

  private holdsUnread(): boolean {
    return this.first <= this.read + 1;
  }

  private counts(message: MessageForm): boolean {
    return message.sender !== this.me && !(message.deletedAt || message.system || message.hidden);
  }
}

const NO_FLAGS: Flags = {};

/** As the server shows it to who has deleted it for themselves. */
export function blank(message: MessageForm): MessageForm {
  return { ...message, content: "", hidden: true };
}

function raised(one: ReceiptForm, other: ReceiptForm | undefined): ReceiptForm {
  if (!other) return one;
  const delivered = Math.max(one.delivered ?? 0, other.delivered ?? 0);
  return { user: one.user, delivered, read: Math.max(one.read ?? 0, other.read ?? 0) };
}
