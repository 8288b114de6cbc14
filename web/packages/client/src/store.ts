/** What is written down, for another day: the port, and one that is forgotten with the program. */

import type { KeptOutgoing, OutboxStore } from "./outbox.js";
import type { Kept, KeptPlace, KeptState, StateChanges } from "./state.js";
import type { MessageForm } from "./wire.js";

/**
 * Keeps what a client knows, and its outbox. Several clients of one user may have the same one, as the tabs of a browser
 * do: they all have their messages in its outbox, and one of them writes the state.
 */
export interface Store extends OutboxStore {
  /** Begin, for this user; what was written down of what they know. */
  open(me: string): Promise<Kept | null>;
  /** Since `open` this is the one that writes the state, and sends what others have left in the outbox. */
  readonly isLeading: boolean;
  /** Wait until it is, where it was not: somebody else may have written since `open`. */
  lead(ended: AbortSignal): Promise<void>;
  /** Write, all of it or nothing; `afresh` in place of all that was there. */
  write(changes: StateChanges, afresh: boolean): Promise<void>;
  /** Every message that is to be sent, in order. */
  outbox(): Promise<KeptOutgoing[]>;
  /** End. Nothing is written any more. */
  close(): Promise<void>;
}

/** Messages that are to be sent, in the order in which they were given. */
export function inOrder(messages: KeptOutgoing[]): KeptOutgoing[] {
  return messages.sort((one, other) => one.at - other.at);
}

/** In memory: it outlives a client, and not the program. */
export class MemoryStore implements Store {
  private state: KeptState | null = null;
  private readonly places = new Map<string, KeptPlace>();
  private readonly messages = new Map<string, Map<number, MessageForm>>();
  private readonly outgoing = new Map<string, KeptOutgoing>();
  readonly isLeading = true;

  async open(me: string): Promise<Kept | null> {
    if (!this.state) return null;
    if (this.state.me !== me) throw new TypeError("the store is of another user");
    const messages = [...this.messages.values()].flatMap((theirs) => [...theirs.values()]);
    return structuredClone({ state: this.state, conversations: [...this.places.values()], messages });
  }

  async lead(): Promise<void> {}

  async write(changes: StateChanges, afresh: boolean): Promise<void> {
    if (afresh) {
      this.places.clear();
      this.messages.clear();
    }
    this.state = structuredClone(changes.state);
    for (const [id, place] of changes.conversations) {
      if (place) this.places.set(id, structuredClone(place));
      else {
        this.places.delete(id);
        this.messages.delete(id);
      }
    }
    for (const [id, changed] of changes.messages) {
      const theirs = this.messages.get(id) ?? new Map<number, MessageForm>();
      this.messages.set(id, theirs);
      for (const [seq, message] of changed) {
        if (message) theirs.set(seq, message);
        else theirs.delete(seq);
      }
    }
  }

  async outbox(): Promise<KeptOutgoing[]> {
    return inOrder([...this.outgoing.values()]);
  }

  async keep(message: KeptOutgoing): Promise<void> {
    this.outgoing.set(message.clientId, structuredClone(message));
  }

  async drop(clientId: string): Promise<void> {
    this.outgoing.delete(clientId);
  }

  async close(): Promise<void> {}
}
