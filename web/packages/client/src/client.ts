/** The client: connects and comes back, catches up, asks for what is missing, sends what is to be sent. */

import { Commands } from "./commands.js";
import { SocketIoConnection, type Connect } from "./connection.js";
import { Lost } from "./errors.js";
import { AGAIN_S, Gaps } from "./gaps.js";
import type { Gate } from "./gate.js";
import { Keeping } from "./keeping.js";
import { Line, type Status, type Token } from "./line.js";
import { Marks } from "./marks.js";
import { Outbox, outgoing, type Outgoing, type Where } from "./outbox.js";
import { sleep, type Sleep } from "./pauses.js";
import { Reading, type Handler } from "./reading.js";
import { request, userOf } from "./rest.js";
import { State, type Kept } from "./state.js";
import { MemoryStore, type Store } from "./store.js";
import { Watching } from "./watching.js";
import { Windows, type Window } from "./windows.js";
import type { Commands as Wire, Events, MessageForm, Myself, People, Person, Present } from "./wire.js";

/** Of each conversation so many of the newest messages stay here. */
export const KEPT = 1_000;

export interface ClientOptions {
  /** What is written down, and where. In memory, where nothing is said. */
  store?: Store;
  /** Of each conversation the newest messages that stay here; null keeps all that were ever read. */
  keep?: number | null;
  connect?: Connect;
  sleep?: Sleep;
}

type Listener<E extends keyof Events> = (body: Events[E]) => void;

/** What is there once it has begun. */
interface Parts {
  state: State;
  gaps: Gaps;
  marks: Marks;
  outbox: Outbox;
  keeping: Keeping;
}

/**
 * A device of a user: `start()` and `close()`.
 *
 * `token` is what logging in gave, or a function that logs in, which is called again when the token has expired. Once the
 * client has ended, whatever is asked of it, or waits, rejects with why.
 */
export class Client extends Commands {
  /** Grows with each change of anything there is to see. */
  version = 0;
  private parts: Parts | null = null;
  private store: Store;
  private readonly keep: number | null;
  private readonly sleep: Sleep;
  private readonly line: Line;
  private readonly reading: Reading;
  private readonly watching: Watching;
  private readonly windows: Windows;
  private readonly end = new AbortController();
  private readonly ended = this.end.signal;
  private starting: Promise<void> | null = null;
  private works: Promise<void>[] = [];
  private isTelling = false;
  private readonly subscribers = new Set<() => void>();
  private readonly listeners = new Map<string, Set<(body: never) => void>>();
  private readonly places = new Map<string, { parts: readonly (readonly Outgoing[])[]; all: readonly Outgoing[] }>();

  constructor(
    private readonly server: string,
    token: Token,
    options: ClientOptions = {},
  ) {
    super();
    this.store = options.store ?? new MemoryStore();
    this.keep = options.keep === undefined ? KEPT : options.keep;
    this.sleep = options.sleep ?? sleep;
    const changed = () => this.changed();
    this.line = new Line({
      server,
      token,
      connect: options.connect ?? SocketIoConnection.open,
      hear: (event, body) => this.hear(event, body),
      came: () => this.came(),
      changed,
      sleep: this.sleep,
      ended: this.ended,
    });
    this.reading = new Reading(this, this.ended);
    this.watching = new Watching(this.line.ask, changed, this.ended);
    const readerOf = (conversation: string) => async (where: object) =>
      (await this.call("getMessages", { conversation, ...where })).messages;
    this.windows = new Windows(readerOf, changed);
  }

  // ── its life ─────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Begin: with what was written down, and connect. What is to be sent can be given from now on. Rejects with `TypeError`
   * where the token is none, and with whatever a function that logs in rejects with.
   */
  start(): Promise<void> {
    this.starting = this.begin();
    return this.starting;
  }

  private async begin(): Promise<void> {
    const me = userOf(await this.line.logIn());
    const kept = await this.open(me);
    const state = kept ? State.from(kept) : new State(me);
    if (this.keep !== null) for (const local of state.conversations.values()) state.forget(local, this.keep);
    state.watcher = this.windows;
    const { ask } = this.line;
    const { sleep, ended, store } = this;
    const changed = () => this.changed();
    const gaps = new Gaps(state, ask, (conversation) => this.notice(conversation), sleep, ended);
    const marks = new Marks((event, conversation, seq) => ask(event, { conversation, seq }), sleep, ended);
    const stored = (message: MessageForm) => this.take(message);
    const outbox = new Outbox((message) => ask("sendMessage", message), stored, changed, store, sleep, ended);
    const keeping = new Keeping(state, store, () => this.sendLeft(), sleep, ended);
    this.parts = { state, gaps, marks, outbox, keeping };
    // What was left is on its way before anything that is posted from now on.
    await this.sendLeft();
    ended.throwIfAborted();
    if (typeof globalThis.addEventListener === "function") {
      globalThis.addEventListener("online", this.reconnect);
      globalThis.addEventListener("offline", this.lose);
    }
    const again = setInterval(() => gaps.catchUp(), AGAIN_S * 1000);
    ended.addEventListener("abort", () => clearInterval(again));
    this.works = [this.line.run(), gaps.fill(), marks.run(), keeping.run()].map((each) => this.work(each));
    this.changed();
  }

  /** End. What has not been sent is in the store. */
  async close(): Promise<void> {
    globalThis.removeEventListener?.("online", this.reconnect);
    globalThis.removeEventListener?.("offline", this.lose);
    this.end.abort(new Lost("the client is closed"));
    // What begins has to have begun, or nobody would end it.
    await this.starting?.catch(() => {});
    await Promise.all(this.works);
    await this.parts?.keeping.write();
    await this.store.close();
  }

  /**
   * Wait until it ends. Rejects with `Refused` when it is not let in any more: the token is not accepted, and there is no
   * other. Rejects with `Lost` when it is closed.
   */
  async wait(): Promise<never> {
    await new Promise<void>((resolve) => {
      if (this.ended.aborted) resolve();
      else this.ended.addEventListener("abort", () => resolve());
    });
    throw this.ended.reason;
  }

  /** Wait until it has everything that it knows to be there, and has told how far it has got. Rejects as `wait`. */
  async settled(): Promise<void> {
    const { gaps, marks } = this.begun;
    while (!(gaps.filled.isSet && marks.told.isSet)) {
      await this.until(gaps.filled);
      await this.until(marks.told);
    }
  }

  /** What it knows. */
  get state(): State {
    return this.begun.state;
  }

  get status(): Status {
    return this.line.status;
  }

  get online(): boolean {
    return this.status === "online";
  }

  /** Do not wait any longer before the next attempt to connect. */
  reconnectNow(): void {
    this.line.reconnectNow();
  }

  /**
   * Ask the server whether there is anything that was missed. It is done after each absence, and now and then: what nobody
   * tells of is no more than a few minutes late.
   */
  catchUp(): void {
    this.begun.gaps.catchUp();
  }

  // ── what one does ────────────────────────────────────────────────────────────────────────────────────────────

  /** Send a message to a user (`to`) or into a conversation, now or as soon as there is a connection. */
  post(content: string, where: Where & { replyTo?: number; clientId?: string }): Outgoing {
    return this.begun.outbox.add(outgoing(content, where));
  }

  /** Send a message as `post` does, and wait until it is stored. */
  send(content: string, where: Where & { replyTo?: number; clientId?: string }): Promise<MessageForm> {
    return this.post(content, where).stored;
  }

  /**
   * What waits to be sent to a user or into a conversation, or was refused, in order. In a conversation with one person is
   * also what is on its way to them. The same array as long as that is so.
   */
  pending(place: string): readonly Outgoing[] {
    const { outbox } = this.begun;
    const [here, other] = [outbox.at(place), this.otherIn(place)];
    const theirs = other === null ? NOTHING : outbox.at(other);
    if (!theirs.length) return here;
    if (!here.length) return theirs;
    const held = this.places.get(place);
    if (held && held.parts[0] === here && held.parts[1] === theirs) return held.all;
    const all = [...here, ...theirs].sort((one, two) => one.at - two.at);
    this.places.set(place, { parts: [here, theirs], all });
    return all;
  }

  /** All that waits to be sent, or was refused, wherever it goes, in order. */
  waiting(): readonly Outgoing[] {
    return this.begun.outbox.all();
  }

  /** Send once more what was refused. */
  retry(clientId: string): Outgoing {
    return this.begun.outbox.retry(clientId);
  }

  /** Forget what was refused. */
  discard(clientId: string): void {
    this.begun.outbox.discard(clientId);
  }

  async call<E extends keyof Wire>(event: E, form: Wire[E]["form"]): Promise<Wire[E]["answer"]> {
    try {
      return await this.line.ask(event, form);
    } catch (error) {
      if (error instanceof Lost) this.ended.throwIfAborted();
      throw error;
    }
  }

  /** Read on into the past of a conversation: the messages next below those that are here. None: it is whole. */
  async older(conversation: string, limit = 50): Promise<MessageForm[]> {
    const local = this.state.conversations.get(conversation);
    if (!local) throw new RangeError("there is no such conversation here");
    const { rev, first } = local;
    const { messages } = await this.call("getMessages", { conversation, before: first, limit });
    this.state.takeOlder(local, messages, rev);
    this.wake();
    return messages;
  }

  /** Messages around one, wherever it stands: a window of its own, which is told what changes in it. */
  around(conversation: string, seq: number, limit = 50): Promise<Window> {
    return this.windows.around(conversation, seq, limit);
  }

  /** Say, soon, that one has read up to there. */
  markRead(conversation: string, seq: number): void {
    this.begun.marks.move("markRead", conversation, seq);
  }

  /**
   * Somebody looks at a conversation, until what this gives is called: hear who is there and who types in it, and let go of
   * none of its messages, however many are read.
   */
  watch(conversation: string): () => void {
    const close = this.watching.watch(conversation);
    return () => {
      close();
      this.notice(conversation);
    };
  }

  /** Whether somebody is there, as far as is known. */
  presenceOf(user: string): Present | undefined {
    return this.watching.presentOf(user);
  }

  /** Who types in a conversation that is watched. */
  typingIn(conversation: string): readonly string[] {
    return this.watching.typingIn(conversation);
  }

  // ── who there is ─────────────────────────────────────────────────────────────────────────────────────────────

  /** What a GET of the REST API says, as this person. */
  get<T>(path: string): Promise<T> {
    return this.line.withToken((token) => request<T>(this.server, path, { token }));
  }

  /** Users whose names begin so; `after` is the `next` of the page before. */
  findUsers(search: string, { after = "", limit = 20 } = {}): Promise<People> {
    return this.get(`/api/users?${new URLSearchParams({ search, after, limit: String(limit) }).toString()}`);
  }

  /** Somebody, as everyone may know them. */
  user(id: string): Promise<Person> {
    return this.get(`/api/users/${encodeURIComponent(id)}`);
  }

  /** Oneself, and what is set. */
  profile(): Promise<Myself> {
    return this.get("/api/users/me");
  }

  // ── hearing of it ────────────────────────────────────────────────────────────────────────────────────────────

  /** Have this called, soon, when anything there is to see is another; what ends that. */
  subscribe(listener: () => void): () => void {
    this.subscribers.add(listener);
    return () => this.subscribers.delete(listener);
  }

  /** Have this called with the body of everything the server tells under this name; what ends that. */
  on<E extends keyof Events>(event: E, listener: Listener<E>): () => void {
    const listeners = this.listeners.get(event) ?? new Set();
    this.listeners.set(event, listeners.add(listener));
    return () => listeners.delete(listener);
  }

  /**
   * Have this called with every message of others, those of one conversation one after the other.
   *
   * Beginning with the first one that has not been read, whether or not this ran when it came: what was handled is marked
   * as read. Who is interrupted gets a message again.
   */
  onMessage(handler: Handler): void {
    this.reading.handler = handler;
    for (const conversation of this.parts?.state.conversations.keys() ?? []) this.reading.look(conversation);
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

  private get begun(): Parts {
    if (!this.parts) throw new Error("start() comes first");
    return this.parts;
  }

  /** What was kept. A store that cannot be opened is no reason to do nothing. */
  private async open(me: string): Promise<Kept | null> {
    try {
      return await this.store.open(me);
    } catch (error) {
      if (error instanceof TypeError) throw error;
      console.warn("nothing can be written down", error);
      // What it holds others may need: whoever has its lock is taken to write.
      await this.store.close();
      this.store = new MemoryStore();
      return null;
    }
  }

  private readonly reconnect = () => this.reconnectNow();
  private readonly lose = () => this.line.lose();

  private hear(event: string, body: unknown): void {
    if (this.ended.aborted) return;
    if (event === "serverStopping") this.line.leaveFor((body as Events["serverStopping"]).retryAfterMs / 1000);
    if (event === "presenceChanged") this.watching.takePresent(body as Events["presenceChanged"]);
    if (event === "typing") this.watching.takeTyping(body as Events["typing"]);
    this.state.hear(event, body);
    this.wake((body as { conversation?: string } | null)?.conversation);
    for (const listener of this.listeners.get(event) ?? []) listener(body as never);
  }

  private came(): void {
    this.begun.gaps.catchUp();
    this.watching.came();
    void this.sendLeft();
  }

  protected override wake(conversation?: string): void {
    this.begun.gaps.look();
    this.notice(conversation);
  }

  /** Something may be new in this conversation. */
  private notice(conversation?: string): void {
    const local = conversation === undefined ? undefined : this.state.conversations.get(conversation);
    if (local?.about) {
      const told = local.receipts.get(this.state.me)?.delivered ?? 0;
      if (!local.isLeft && local.seq > told) this.begun.marks.move("markDelivered", local.id, local.seq);
      this.reading.look(local.id);
      if (this.keep !== null && !this.watching.isOpen(local.id)) this.state.forget(local, this.keep);
    }
    this.changed();
  }

  private take(message: MessageForm): void {
    this.state.takeMessage(message);
    this.wake(message.conversation);
  }

  /** Send what others have left in the outbox, and what was there from another day. */
  private async sendLeft(): Promise<void> {
    const { outbox, keeping } = this.begun;
    if (!keeping.isLeading) return;
    try {
      const left = await this.store.outbox();
      for (const message of left) if (!this.ended.aborted) outbox.add(message, true);
    } catch (error) {
      console.warn("the outbox cannot be read", error);
    }
  }

  /** The other one in a conversation of two. */
  private otherIn(conversation: string): string | null {
    const about = this.state.conversations.get(conversation)?.about;
    if (about?.kind !== "direct") return null;
    const { me } = this.state;
    return about.members.find((each) => each.user !== me)?.user ?? me;
  }

  private changed(): void {
    this.version++;
    this.parts?.keeping.look();
    if (this.isTelling) return;
    this.isTelling = true;
    queueMicrotask(() => {
      this.isTelling = false;
      for (const each of [...this.subscribers]) each();
    });
  }

  private async until(gate: Gate): Promise<void> {
    await gate.wait();
    this.ended.throwIfAborted();
  }

  /** It lasts as long as the client; where it cannot go on, that is for whoever waits. */
  private async work(work: Promise<void>): Promise<void> {
    try {
      await work;
    } catch (error) {
      if (this.ended.aborted) return;
      this.end.abort(error);
      this.changed();
    }
  }
}

const NOTHING: readonly Outgoing[] = [];
