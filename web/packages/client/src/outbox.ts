/**
 * The outbox: messages that are to be sent, until the server has them.
 *
 * Each has a `clientId`, so sending again is safe; and it is sent again until the server says that it is stored, or that
 * it never will be. To each place one at a time, so nothing overtakes on a bad line, and to several at once. It is
 * written down before it leaves, and crossed out when its answer is here. What is refused stays, until somebody says
 * what is to become of it. What is too long is refused here: the server may cut the connection before it has read it.
 */

import { Lost, Refused } from "./errors.js";
import { Pauses, type Sleep } from "./pauses.js";
import type { MessageForm, SendMessage, Sent } from "./wire.js";

/** Messages under way, each to another place. */
export const AT_ONCE = 32;
/** What a message may have, in UTF-8. */
export const MAX_CONTENT_BYTES = 16 * 1024;

/** Where a message goes: to a user, or into a conversation. */
export type Where = { to: string; conversation?: undefined } | { conversation: string; to?: undefined };

/** What is written down of a message that is to be sent. */
export interface KeptOutgoing {
  clientId: string;
  content: string;
  recipient?: string;
  conversation?: string;
  replyTo?: number;
  /** When it was given, by this device's clock. */
  at: number;
  refused?: { code: string; error: string; details: Record<string, unknown> };
}

/** A message that is to be sent. Another object when it is refused, and when it is tried again. */
export interface Outgoing extends Readonly<Omit<KeptOutgoing, "refused">> {
  /** Why the server does not take it. */
  readonly refused?: Refused;
  /**
   * The message as it was stored. Rejects with `Refused`, or with why the client has ended, and then it is still in the
   * store. Nobody has to wait for it.
   */
  readonly stored: Promise<MessageForm>;
}

/** Writes messages down, and crosses them out. */
export interface OutboxStore {
  keep(message: KeptOutgoing): Promise<void>;
  drop(clientId: string): Promise<void>;
}

interface Entry {
  outgoing: Outgoing;
  readonly resolve: (message: MessageForm) => void;
  readonly reject: (error: unknown) => void;
}

/** `send` is asked to send one; it rejects with `Lost` or `Refused`. `stored` hears of each that is stored. */
export class Outbox {
  private readonly entries = new Map<string, Entry>();
  /** Of each place what is on its way there, in order. */
  private readonly lanes = new Map<string, string[]>();
  /** Being written down: it does not leave before that is done. */
  private readonly written = new Map<string, Promise<void>>();
  private places = new Map<string, readonly Outgoing[]>();
  private everything: readonly Outgoing[] | null = null;
  private free = AT_ONCE;
  private readonly queue: (() => void)[] = [];

  constructor(
    private readonly send: (message: SendMessage) => Promise<Sent>,
    private readonly stored: (message: MessageForm) => void,
    private readonly changed: () => void,
    private readonly store: OutboxStore,
    private readonly sleep: Sleep,
    private readonly ended: AbortSignal,
  ) {}

  /** Send this behind what is on its way there already. What is here already is not sent twice. */
  add(kept: KeptOutgoing, isKept = false): Outgoing {
    const held = this.entries.get(kept.clientId);
    if (held) return held.outgoing.refused && !kept.refused ? this.retry(kept.clientId) : held.outgoing;
    const entry = entryOf(kept);
    this.entries.set(kept.clientId, entry);
    const tooLong = refusalOf(kept.content);
    if (entry.outgoing.refused) entry.reject(entry.outgoing.refused);
    else if (tooLong) this.refuse(entry, tooLong);
    else this.begin(entry, isKept);
    this.change();
    return entry.outgoing;
  }

  /** Send once more what was refused. */
  retry(clientId: string): Outgoing {
    const held = this.entries.get(clientId);
    if (!held) throw new RangeError("there is no such message");
    if (!held.outgoing.refused) return held.outgoing;
    const { refused: _, ...kept } = keptOf(held.outgoing);
    // It goes to the end: it was passed by those behind it.
    this.entries.delete(clientId);
    return this.add({ ...kept, at: now() });
  }

  /** Forget what was refused. */
  discard(clientId: string): void {
    if (!this.entries.get(clientId)?.outgoing.refused) return;
    this.entries.delete(clientId);
    this.writeDown(this.store.drop(clientId));
    this.change();
  }

  /** What waits for a place or was refused, in order. The same array as long as that is so. */
  at(place: string): readonly Outgoing[] {
    let found = this.places.get(place);
    if (!found) {
      found = this.all().filter((each) => placeOf(each) === place);
      this.places.set(place, found);
    }
    return found;
  }

  /** What is not known to be stored, in order. The same array as long as that is so. */
  all(): readonly Outgoing[] {
    this.everything ??= Array.from(this.entries.values(), (each) => each.outgoing);
    return this.everything;
  }

  private begin(entry: Entry, isKept: boolean): void {
    const place = placeOf(entry.outgoing);
    const lane = this.lanes.get(place);
    const written = isKept ? Promise.resolve() : this.writeDown(this.store.keep(keptOf(entry.outgoing)));
    this.written.set(entry.outgoing.clientId, written);
    if (lane) lane.push(entry.outgoing.clientId);
    else {
      this.lanes.set(place, [entry.outgoing.clientId]);
      void this.empty(place);
    }
  }

  private async empty(place: string): Promise<void> {
    const lane = this.lanes.get(place) ?? [];
    for (let clientId = lane[0]; clientId !== undefined; clientId = lane[0]) {
      const entry = this.entries.get(clientId);
      if (entry) await this.settle(entry);
      lane.shift();
    }
    this.lanes.delete(place);
  }

  /** It is stored, or refused for good, or this is the end. */
  private async settle(entry: Entry): Promise<void> {
    const { clientId } = entry.outgoing;
    await this.written.get(clientId);
    this.written.delete(clientId);
    try {
      const message = await this.untilStored(entry.outgoing);
      if (!message) return entry.reject(this.ended.reason);
      this.entries.delete(clientId);
      this.stored(message);
      this.writeDown(this.store.drop(clientId));
      entry.resolve(message);
    } catch (error) {
      this.refuse(entry, error instanceof Refused ? error : new Refused("unknown", String(error)));
    }
    this.change();
  }

  private refuse(entry: Entry, refused: Refused): void {
    entry.outgoing = { ...entry.outgoing, refused };
    this.writeDown(this.store.keep(keptOf(entry.outgoing)));
    entry.reject(refused);
  }

  private async untilStored(message: Outgoing): Promise<MessageForm | null> {
    const pauses = new Pauses();
    while (!this.ended.aborted) {
      let pauseS: number;
      await this.enter();
      try {
        return (await this.send(formOf(message))).message;
      } catch (error) {
        const isPassing = error instanceof Lost || (error instanceof Refused && error.isPassing);
        if (!isPassing) throw error;
        pauseS = pauses.nextS(error instanceof Refused ? error.retryAfterS : 0);
      } finally {
        this.leave();
      }
      await this.sleep(pauseS, this.ended);
    }
    return null;
  }

  private async enter(): Promise<void> {
    if (this.free > 0) this.free--;
    else await new Promise<void>((go) => this.queue.push(go));
  }

  private leave(): void {
    const next = this.queue.shift();
    if (next) next();
    else this.free++;
  }

  private change(): void {
    this.places = new Map();
    this.everything = null;
    this.changed();
  }

  /** A store that fails is no reason not to send. */
  private async writeDown(writing: Promise<void>): Promise<void> {
    try {
      await writing;
    } catch (error) {
      console.warn("the outbox cannot be written down", error);
    }
  }
}

/** Where it goes. */
export function placeOf(message: Pick<KeptOutgoing, "conversation" | "recipient">): string {
  return message.conversation ?? message.recipient ?? "";
}

/** A message for a user (`to`) or a conversation. */
export function outgoing(
  content: string,
  { to, conversation, replyTo, clientId }: Where & { replyTo?: number; clientId?: string },
): KeptOutgoing {
  if ((to === undefined) === (conversation === undefined)) {
    throw new TypeError("say to whom: a user (to) or a conversation");
  }
  return {
    clientId: clientId ?? newClientId(),
    content,
    at: now(),
    ...(to !== undefined && { recipient: to }),
    ...(conversation !== undefined && { conversation }),
    ...(replyTo !== undefined && { replyTo }),
  };
}

/** What the server would say of what is too long. */
function refusalOf(content: string): Refused | null {
  const size = new TextEncoder().encode(content).length;
  if (size <= MAX_CONTENT_BYTES) return null;
  const error = `content is ${size} bytes long; at most ${MAX_CONTENT_BYTES} are accepted.`;
  return new Refused("invalid_input", error, { field: "content", maxBytes: MAX_CONTENT_BYTES });
}

let last = 0;

/** The time, and later than any other that was given: what is written down is in this order. */
function now(): number {
  last = Math.max(Date.now(), last + 1);
  return last;
}

function newClientId(): string {
  // A page that came over plain HTTP from another machine has no randomUUID.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function entryOf({ refused, ...kept }: KeptOutgoing): Entry {
  let resolve: Entry["resolve"] = () => {};
  let reject: Entry["reject"] = () => {};
  const stored = new Promise<MessageForm>((yes, no) => ([resolve, reject] = [yes, no]));
  // Who does not wait for the answer is not told of an error they did not ask for.
  stored.catch(() => {});
  return { outgoing: { ...kept, ...(refused && { refused: Refused.from(refused) }), stored }, resolve, reject };
}

function keptOf({ stored: _, refused, ...kept }: Outgoing): KeptOutgoing {
  if (!refused) return kept;
  return { ...kept, refused: { code: refused.code, error: refused.error, details: refused.details } };
}

function formOf({ content, clientId, recipient, conversation, replyTo }: Outgoing): SendMessage {
  return {
    content,
    clientId,
    ...(recipient !== undefined && { recipient }),
    ...(conversation !== undefined && { conversation }),
    ...(replyTo !== undefined && { replyTo }),
  };
}
