/**
 * A store in IndexedDB: a record for each conversation and for each message, so that what is new costs what it is. One
 * database for each user; of the tabs that have it open one writes the state (Web Locks, where there are any).
 */

import { openDB, type DBSchema, type IDBPDatabase } from "idb";
import type { KeptOutgoing } from "./outbox.js";
import type { Kept, KeptPlace, KeptState, StateChanges } from "./state.js";
import { inOrder, type Store } from "./store.js";
import type { MessageForm } from "./wire.js";

interface Schema extends DBSchema {
  state: { key: string; value: KeptState };
  conversations: { key: string; value: KeptPlace };
  messages: { key: [string, number]; value: MessageForm };
  outbox: { key: string; value: KeptOutgoing };
}

const VERSION = 1;
const STATE = ["state", "conversations", "messages"] as const;

export class IndexedDbStore implements Store {
  private db: IDBPDatabase<Schema> | null = null;
  private lock: Lock | null = null;

  /** `name` is what the databases' names begin with. */
  constructor(private readonly name = "fireside") {}

  async open(me: string): Promise<Kept | null> {
    const name = `${this.name}-${me}`;
    this.lock = new Lock(name);
    await this.lock.try();
    this.db = await openDB<Schema>(name, VERSION, {
      upgrade(db) {
        db.createObjectStore("state");
        db.createObjectStore("conversations", { keyPath: "id" });
        db.createObjectStore("messages", { keyPath: ["conversation", "seq"] });
        db.createObjectStore("outbox", { keyPath: "clientId" });
      },
    });
    const reading = this.db.transaction(STATE);
    const [state, conversations, messages] = await Promise.all([
      reading.objectStore("state").get(me),
      reading.objectStore("conversations").getAll(),
      reading.objectStore("messages").getAll(),
    ]);
    return state ? { state, conversations, messages } : null;
  }

  get isLeading(): boolean {
    return this.lock?.isHeld ?? false;
  }

  async lead(ended: AbortSignal): Promise<void> {
    await this.lock?.wait(ended);
  }

  async write(changes: StateChanges, afresh: boolean): Promise<void> {
    const writing = this.opened.transaction(STATE, "readwrite");
    const [places, messages] = [writing.objectStore("conversations"), writing.objectStore("messages")];
    const all: Promise<unknown>[] = [writing.done];
    if (afresh) all.push(places.clear(), messages.clear());
    all.push(writing.objectStore("state").put(changes.state, changes.state.me));
    for (const [id, place] of changes.conversations) {
      if (place) all.push(places.put(place));
      else all.push(places.delete(id), messages.delete(IDBKeyRange.bound([id, 0], [id, Infinity])));
    }
    for (const [id, changed] of changes.messages) {
      for (const [seq, message] of changed) all.push(message ? messages.put(message) : messages.delete([id, seq]));
    }
    await Promise.all(all);
  }

  async outbox(): Promise<KeptOutgoing[]> {
    return inOrder(await this.opened.getAll("outbox"));
  }

  async keep(message: KeptOutgoing): Promise<void> {
    const writing = this.opened.transaction("outbox", "readwrite");
    const written = writing.store.put(message);
    // All of it is on its way now: a page that is closed in the next moment loses nothing.
    writing.commit();
    await Promise.all([written, writing.done]);
  }

  async drop(clientId: string): Promise<void> {
    await this.opened.delete("outbox", clientId);
  }

  async close(): Promise<void> {
    this.db?.close();
    await this.lock?.release();
  }

  /** Forget all that was written down: whoever logs out leaves nothing behind. Comes after `close`. */
  async erase(me: string): Promise<void> {
    const db = await openDB(`${this.name}-${me}`);
    const stores = [...db.objectStoreNames];
    if (stores.length) {
      const clearing = db.transaction(stores, "readwrite");
      await Promise.all([...stores.map((each) => clearing.objectStore(each).clear()), clearing.done]);
    }
    db.close();
  }

  private get opened(): IDBPDatabase<Schema> {
    if (!this.db) throw new Error("open() comes first");
    return this.db;
  }
}

/** A Web Lock. Where there are none, whoever asks has it. */
class Lock {
  private free: (() => void) | null = null;
  private held: Promise<unknown> | null = null;
  private readonly locks = (globalThis.navigator as Navigator | undefined)?.locks as LockManager | undefined;

  constructor(private readonly name: string) {}

  get isHeld(): boolean {
    return !this.locks || this.free !== null;
  }

  /** Take it if nobody has it. */
  async try(): Promise<void> {
    if (this.locks) await this.ask(this.locks, { ifAvailable: true });
  }

  /** Wait for it. */
  async wait(ended: AbortSignal): Promise<void> {
    if (this.locks && !this.free) await this.ask(this.locks, { signal: ended });
  }

  async release(): Promise<void> {
    this.free?.();
    await this.held;
  }

  /** Resolves when it is had, or it is not to be had. */
  private ask(locks: LockManager, options: LockOptions): Promise<void> {
    return new Promise((resolve) => {
      const held = locks.request(this.name, options, async (lock) => {
        const kept = lock && new Promise<void>((free) => (this.free = free));
        resolve();
        await kept;
      });
      this.held = held.catch(() => resolve());
    });
  }
}
