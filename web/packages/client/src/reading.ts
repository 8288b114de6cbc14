/**
 * Reading: calls a handler with every message of others, from the first unread one on, and marks them as read.
 *
 * What was read is kept on the server, so a program that was away, or is run elsewhere, goes on where it was. But for the
 * server who sends into a conversation has read it: a program that answers, and is to miss nothing though it is killed
 * among messages that wait, goes on from its store.
 */

import { Lost, Refused } from "./errors.js";
import type { LocalConversation } from "./local.js";
import type { State } from "./state.js";
import type { MessageForm } from "./wire.js";

export type Handler = (message: MessageForm) => unknown;

/** What this needs of the client. */
export interface Device {
  readonly state: State;
  older(conversation: string, limit?: number): Promise<readonly MessageForm[]>;
  markRead(conversation: string, seq: number): void;
}

/** One conversation does not wait for another; the messages of one come one after the other. */
export class Reading {
  handler: Handler | null = null;
  private readonly busy = new Set<string>();

  constructor(
    private readonly device: Device,
    private readonly ended: AbortSignal,
  ) {}

  /** Something may be new in it. */
  look(conversation: string): void {
    const { conversations, handled } = this.device.state;
    const local = conversations.get(conversation);
    if (!this.handler || !local || this.busy.has(conversation)) return;
    if ((handled[conversation] ??= local.read) >= local.seq) return;
    this.busy.add(conversation);
    void this.readOn(conversation);
  }

  private async readOn(conversation: string): Promise<void> {
    const { conversations, handled } = this.device.state;
    try {
      for (;;) {
        const local = conversations.get(conversation);
        let seq = (handled[conversation] ?? 0) + 1;
        if (!local || seq > local.seq) break;
        if (!(await this.holds(local, seq))) seq = local.first;
        await this.handle(local.messages.get(seq));
        if (this.ended.aborted) return;
        this.device.state.takeHandled(conversation, seq);
      }
      this.device.markRead(conversation, handled[conversation] ?? 0);
    } catch (error) {
      if (error instanceof Lost || this.ended.aborted) return;
      if (!(error instanceof Refused)) throw error;
      console.warn(`cannot read on: ${error.error}`);
    } finally {
      this.busy.delete(conversation);
    }
  }

  /** Whether the message is here, or can be brought here. */
  private async holds(local: LocalConversation, seq: number): Promise<boolean> {
    while (local.first > seq) {
      try {
        if (!(await this.device.older(local.id, 100)).length) return false;
      } catch (error) {
        if (!(error instanceof Lost) || this.ended.aborted) throw error;
      }
    }
    return true;
  }

  private async handle(message: MessageForm | undefined): Promise<void> {
    if (!message || message.sender === this.device.state.me || message.system) return;
    if (message.deletedAt || message.hidden || this.ended.aborted) return;
    try {
      await this.handler?.(message);
    } catch (error) {
      // The next one is not to wait for ever for one that cannot be handled.
      if (!this.ended.aborted) console.error("a message could not be handled", error);
    }
  }
}
