/**
 * Windows: pages from somewhere in the past of a conversation, for looking at what is far above its end. They are apart
 * from what is kept of it, which has no gaps; but what changes in them is heard, too.
 */

import { blank } from "./local.js";
import type { Watcher } from "./state.js";
import type { MessageForm, OwnEntry } from "./wire.js";

/** Windows that are kept: the ones looked at last. */
const KEPT = 4;

/** Reads messages of a conversation, oldest first. */
export type Read = (where: { before?: number; after?: number; limit: number }) => Promise<readonly MessageForm[]>;

/** Messages that follow each other, around one that was looked for. */
export class Window {
  /** Grows with each change. */
  version = 0;
  /** Oldest first, without a gap. Another array when anything in it is another. */
  messages: readonly MessageForm[] = [];
  /** There is nothing older. */
  isAtStart = false;
  /** There was nothing newer when the end was reached: from here on one looks at the conversation itself. */
  isAtEnd = false;
  /** For each page that is on its way what was heard meanwhile: the page may be from before. */
  private readonly underWay = new Set<(() => void)[]>();

  constructor(
    readonly conversation: string,
    private readonly read: Read,
    private readonly changed: () => void,
  ) {}

  has(seq: number): boolean {
    const [first] = this.messages;
    return first !== undefined && first.seq <= seq && seq <= (this.messages.at(-1)?.seq ?? 0);
  }

  /** Begin, around this message. */
  async open(seq: number, limit: number): Promise<void> {
    const above = Math.floor(limit / 2);
    await this.take({ before: seq + above + 1, limit }, (page) => {
      this.messages = page;
      this.isAtStart = page.length < limit;
      this.isAtEnd = (page.at(-1)?.seq ?? 0) < seq + above;
    });
  }

  /** Read on into the past. */
  async older(limit = 50): Promise<void> {
    const [first] = this.messages;
    if (!first || this.isAtStart) return;
    await this.take({ before: first.seq, limit }, (page) => {
      if (this.messages[0] === undefined || (page.at(-1)?.seq ?? 0) >= this.messages[0].seq) return;
      this.messages = [...page, ...this.messages];
      this.isAtStart = page.length < limit;
    });
  }

  /** Read on towards the present. */
  async newer(limit = 50): Promise<void> {
    const last = this.messages.at(-1);
    if (!last || this.isAtEnd) return;
    await this.take({ after: last.seq, limit }, (page) => {
      if ((page[0]?.seq ?? Infinity) <= (this.messages.at(-1)?.seq ?? 0)) return;
      this.messages = [...this.messages, ...page];
      this.isAtEnd = page.length < limit;
    });
  }

  /** A message as it is now. */
  put(message: MessageForm): void {
    this.hear(() => this.lay(message));
  }

  private lay(message: MessageForm): void {
    const index = this.indexOf(message.seq);
    const held = this.messages[index];
    if (held?.seq !== message.seq || (held.rev ?? 0) >= (message.rev ?? 0)) return;
    this.replace(index, held.hidden ? blank(message) : message);
  }

  /** What one says of a message. One that is hidden no more has to be read again. */
  putOwn(entry: OwnEntry): void {
    this.hear(() => this.layOwn(entry));
  }

  private layOwn({ seq = 0, hidden }: OwnEntry): void {
    const index = this.indexOf(seq);
    const held = this.messages[index];
    if (!held || (held.hidden ?? false) === (hidden ?? false)) return;
    if (hidden) return this.replace(index, blank(held));
    const again = async () => {
      const [message] = await this.read({ after: seq - 1, limit: 1 });
      const at = this.indexOf(seq);
      if (message && at >= 0) this.replace(at, message);
    };
    again().catch(() => {});
  }

  private replace(index: number, message: MessageForm): void {
    this.messages = this.messages.map((each, at) => (at === index ? message : each));
    this.change();
  }

  private indexOf(seq: number): number {
    const [first] = this.messages;
    return first && this.has(seq) ? seq - first.seq : -1;
  }

  private async take(where: Parameters<Read>[0], use: (page: readonly MessageForm[]) => void): Promise<void> {
    const heard: (() => void)[] = [];
    this.underWay.add(heard);
    try {
      use(await this.read(where));
    } finally {
      this.underWay.delete(heard);
    }
    this.change();
    for (const again of heard) again();
  }

  /** Take what is heard, and once more with each page that is on its way. */
  private hear(take: () => void): void {
    take();
    for (const each of this.underWay) each.push(take);
  }

  private change(): void {
    this.version++;
    this.changed();
  }
}

/** The windows that are looked at. They are told what is heard. */
export class Windows implements Watcher {
  private readonly windows = new Set<Window>();

  constructor(
    private readonly readerOf: (conversation: string) => Read,
    private readonly changed: () => void,
  ) {}

  /** A window around a message: one that is there and has it, or another. */
  async around(conversation: string, seq: number, limit: number): Promise<Window> {
    for (const each of this.windows) {
      if (each.conversation === conversation && each.has(seq)) return each;
    }
    const window = new Window(conversation, this.readerOf(conversation), this.changed);
    this.windows.add(window);
    const [oldest] = this.windows;
    if (oldest && this.windows.size > KEPT) this.windows.delete(oldest);
    try {
      await window.open(seq, limit);
    } catch (error) {
      this.windows.delete(window);
      throw error;
    }
    return window;
  }

  message(message: MessageForm): void {
    for (const each of this.windows) if (each.conversation === message.conversation) each.put(message);
  }

  entry(entry: OwnEntry): void {
    for (const each of this.windows) if (each.conversation === entry.conversation) each.putOwn(entry);
  }
}
