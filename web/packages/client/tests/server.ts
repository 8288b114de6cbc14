/** A server in memory, for one user: what it would tell them, and what it would answer. */

import { blank } from "../src/local.js";
import type { Missing, State } from "../src/state.js";
import type { Commands, Events, ItemForm, MessageForm, OwnEntry, ReceiptForm } from "../src/wire.js";
import { BEN, ME } from "./fakes.js";

export type Told = { [E in keyof Events]: { event: E; body: Events[E] } }[keyof Events];
type Answer<E extends keyof Commands> = Commands[E]["answer"];

const AT = "2026-11-22T09:42:00.123Z";
/** Of what is sent along, so little that pages and gaps are many. */
const LAST = 3;
const PAGE = 4;

interface Place {
  id: string;
  messages: MessageForm[];
  /** The seq of what changed, by rev. */
  changes: number[];
  receipts: Map<string, ReceiptForm>;
}

export class Server {
  private readonly places = new Map<string, Place>();
  private readonly own: OwnEntry[] = [];

  // ── what happens ─────────────────────────────────────────────────────────────────────────────────────────────

  say(id: string, sender: string): Told {
    const place = this.place(id);
    const seq = place.messages.length + 1;
    const [_id, clientId] = [`${id}-${seq}`, `c${seq}`];
    const message = { _id, conversation: id, seq, sender, content: `${seq}`, timestamp: AT, clientId };
    place.messages.push(message);
    this.mark(place, sender, seq);
    return { event: "messageReceived", body: message };
  }

  change(id: string, at: number, what: "messageEdited" | "messageDeleted"): Told | null {
    const place = this.place(id);
    const message = place.messages[at % place.messages.length];
    if (!message || message.deletedAt) return null;
    const rev = place.changes.push(message.seq);
    const said =
      what === "messageEdited" ? { content: `${message.content}!`, editedAt: AT } : { content: "", deletedAt: AT };
    const changed = { ...message, ...said, rev };
    place.messages[message.seq - 1] = changed;
    return { event: what, body: { conversation: id, rev, message: this.shown(changed) } };
  }

  read(id: string, user: string, at: number): Told | null {
    const place = this.place(id);
    if (!place.messages.length) return null;
    const moved = this.mark(place, user, (at % place.messages.length) + 1);
    return { event: "receiptUpdated", body: { conversation: id, receipts: [moved] } };
  }

  note(id: string, at: number, hidden: boolean): Told | null {
    const place = this.place(id);
    if (!place.messages.length) return null;
    const seq = (at % place.messages.length) + 1;
    const entry = { ...this.lastOf(id, seq), n: this.own.length + 1, conversation: id, seq, hidden };
    this.own.push(entry);
    return { event: "ownChanged", body: entry };
  }

  heads(): Told {
    const heads = Array.from(this.places.values(), ({ id, messages, changes, receipts }) => {
      const sum = [...receipts.values()].reduce((sum, { delivered = 0, read = 0 }) => sum + delivered + read, 0);
      return { conversation: id, seq: messages.length, rev: changes.length, receipts: sum };
    });
    return { event: "heads", body: { heads, own: this.own.length } };
  }

  // ── what it answers ──────────────────────────────────────────────────────────────────────────────────────────

  /** The answer to what is missing, as a function that hands it over: it may be late. */
  answer(state: State, missing: Missing): () => void {
    switch (missing.kind) {
      case "sync": {
        const caught = structuredClone(this.sync(state.sync()));
        return () => state.takeCaught(missing, caught);
      }
      case "item": {
        const place = this.places.get(missing.conversation);
        if (!place) return () => state.takeNothing(missing);
        const item = structuredClone(this.item(place, 1));
        return () => state.takeItem(item, {});
      }
      case "messages": {
        const { conversation, after, limit } = missing;
        const page = this.shownOf(conversation).slice(after, after + Math.min(limit, PAGE));
        // As if it had asked for so few.
        const asked = { ...missing, limit: Math.min(limit, PAGE) };
        return () => state.takeMessages(asked, page);
      }
      case "changes": {
        const { conversation, after } = missing;
        const { changes } = this.place(conversation);
        const rev = Math.min(after + PAGE, changes.length);
        const seqs = new Set(changes.slice(after, rev));
        const messages = this.shownOf(conversation).filter((each) => seqs.has(each.seq));
        return () => state.takeChanges(missing, messages, rev, rev < changes.length);
      }
      case "own": {
        const entries = this.own.slice(missing.after, missing.after + PAGE);
        const more = missing.after + PAGE < this.own.length;
        return () => state.takeEntries(missing, entries, more);
      }
    }
  }

  older(id: string, before: number): MessageForm[] {
    return this.shownOf(id).slice(Math.max(0, before - 1 - PAGE), before - 1);
  }

  private sync({ cursor }: Commands["sync"]["form"]): Answer<"sync"> {
    const conversations = Array.from(this.places.values(), (place) => this.item(place, LAST));
    const own = cursor ? [] : this.own;
    return { ok: true, conversations, own, people: {}, readReceipts: true, cursor: "1", more: false };
  }

  private item(place: Place, last: number): ItemForm {
    const { id, messages, changes } = place;
    const read = place.receipts.get(ME)?.read ?? 0;
    const shown = this.shownOf(id);
    const counts = (each: MessageForm) => each.seq > read && each.sender !== ME && !each.deletedAt && !each.hidden;
    const changedFrom = Math.max(0, changes.length - 2);
    const recent = new Set(changes.slice(changedFrom));
    return {
      conversation: { _id: id, kind: "direct", createdAt: AT, members: [], memberCount: 2 },
      seq: messages.length,
      rev: changes.length,
      unread: shown.filter(counts).length,
      activeAt: AT,
      flags: {},
      receipts: [...place.receipts.values()],
      messages: shown.slice(-last),
      changed: shown.filter((each) => recent.has(each.seq)),
      changedFrom,
    };
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

  private place(id: string): Place {
    const found = this.places.get(id) ?? {
      id,
      messages: [],
      changes: [],
      receipts: new Map([[BEN, { user: BEN }]]),
    };
    this.places.set(id, found);
    return found;
  }

  private mark(place: Place, user: string, seq: number): ReceiptForm {
    const upTo = Math.max(seq, place.receipts.get(user)?.read ?? 0);
    const moved = { user, delivered: upTo, read: upTo };
    place.receipts.set(user, moved);
    return moved;
  }

  private lastOf(id: string, seq: number): OwnEntry | undefined {
    return this.own.filter((each) => each.conversation === id && each.seq === seq).at(-1);
  }

  private shown(message: MessageForm): MessageForm {
    return this.lastOf(message.conversation, message.seq)?.hidden ? blank(message) : message;
  }

  private shownOf(id: string): MessageForm[] {
    return this.place(id).messages.map((each) => this.shown(each));
  }
}
