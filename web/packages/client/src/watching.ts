/**
 * Watching: who is there and who types in the conversations that are open. It is told of as long as they are, on this
 * connection: on the next one they are opened again.
 */

import type { Ask } from "./gaps.js";
import type { Present, Typing } from "./wire.js";

export class Watching {
  /** How often each is open here. */
  private readonly open = new Map<string, number>();
  private readonly people = new Map<string, Present>();
  private typists = new Map<string, readonly string[]>();

  constructor(
    private readonly ask: Ask,
    private readonly changed: () => void,
    private readonly ended: AbortSignal,
  ) {}

  /** Open a conversation; what closes it again. */
  watch(conversation: string): () => void {
    this.open.set(conversation, (this.open.get(conversation) ?? 0) + 1);
    if (this.open.get(conversation) === 1) void this.begin(conversation);
    let isOpen = true;
    return () => {
      if (isOpen) this.close(conversation);
      isOpen = false;
    };
  }

  /** Whether a conversation is open here. */
  isOpen(conversation: string): boolean {
    return this.open.has(conversation);
  }

  /** Whether somebody is there, as far as is known. */
  presentOf(user: string): Present | undefined {
    return this.people.get(user);
  }

  /** Who types in a conversation. The same array as long as that is so. */
  typingIn(conversation: string): readonly string[] {
    return this.typists.get(conversation) ?? NOBODY;
  }

  /** There is a connection, on which nothing is open. */
  came(): void {
    this.typists = new Map();
    this.people.clear();
    for (const conversation of this.open.keys()) void this.begin(conversation);
  }

  takePresent(present: Present): void {
    this.people.set(present.user, present);
  }

  takeTyping({ conversation, user, typing }: Typing): void {
    const others = this.typingIn(conversation).filter((each) => each !== user);
    this.typists.set(conversation, typing ? [...others, user] : others);
  }

  private async begin(conversation: string): Promise<void> {
    try {
      const { people } = await this.ask("openConversation", { conversation });
      for (const each of people) this.takePresent(each);
      this.changed();
    } catch {
      // It is opened again on the next connection; who may not look sees nobody.
    }
  }

  private close(conversation: string): void {
    const left = (this.open.get(conversation) ?? 1) - 1;
    if (left) return void this.open.set(conversation, left);
    this.open.delete(conversation);
    this.typists.delete(conversation);
    if (!this.ended.aborted) this.ask("closeConversation", { conversation }).catch(() => {});
  }
}

const NOBODY: readonly string[] = [];
