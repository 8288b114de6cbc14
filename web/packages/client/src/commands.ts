/** What one can do, a method each. What an answer says is taken into the state at once: who did it need not hear it. */

import { outgoing, type Where } from "./outbox.js";
import type { State } from "./state.js";
import type {
  Commands as Wire,
  ConversationForm,
  Flags,
  ItemForm,
  MemberForm,
  MessageForm,
  OwnEntry,
  Present,
  ReceiptForm,
  VersionForm,
} from "./wire.js";

type Form<E extends keyof Wire> = Wire[E]["form"];
type Place = Pick<MessageForm, "conversation" | "seq">;
type About = keyof Form<"updateGroup"> & ("title" | "description" | "picture" | "openHistory");

/**
 * Base of the client. A refusal rejects with `Refused`; where the connection is lost before the answer, with `Lost`: it
 * may have been done, or not, and the state will tell.
 */
export abstract class Commands {
  abstract readonly state: State;

  /** Give a command by its name on the wire; what the server answers. */
  abstract call<E extends keyof Wire>(event: E, form: Form<E>): Promise<Wire[E]["answer"]>;

  /** The state is another. */
  protected abstract wake(conversation?: string): void;

  // ── messages ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** Edit a message of one's own. */
  edit(message: Place, content: string): Promise<MessageForm> {
    return this.change("editMessage", { ...place(message), content });
  }

  /** Delete a message for everyone. */
  delete(message: Place): Promise<MessageForm> {
    return this.change("deleteMessage", place(message));
  }

  /** React with an emoji; with null take it back. */
  react(message: Place, emoji: string | null): Promise<MessageForm> {
    return this.change("reactToMessage", { ...place(message), emoji });
  }

  /** Pin a message in its conversation, or take the pin away. */
  pin(message: Place, pinned = true): Promise<MessageForm> {
    return this.change("pinMessage", { ...place(message), pinned });
  }

  /** Send what a message says to a user or into a conversation, as a message of one's own. */
  async forward(message: Place, where: Where & { clientId?: string }): Promise<MessageForm> {
    const { clientId, recipient, conversation } = outgoing("", where);
    const to = recipient === undefined ? { to: conversation ?? null } : { recipient };
    return this.heard(await this.call("forwardMessage", { ...place(message), clientId, ...to }));
  }

  /** A message, wherever it stands. */
  async message(conversation: string, seq: number): Promise<MessageForm> {
    return (await this.call("getMessage", { conversation, seq })).message;
  }

  /** What a message has said, oldest first. */
  async edits(message: Place): Promise<VersionForm[]> {
    return (await this.call("getEdits", place(message))).versions;
  }

  /** Who has a message, and who has read it. */
  async seenBy(message: Place): Promise<{ deliveredTo: string[]; seenBy: string[] }> {
    const { deliveredTo, seenBy } = await this.call("getSeenBy", place(message));
    return { deliveredTo, seenBy };
  }

  /** How far everybody has got in a conversation. */
  async receipts(conversation: string): Promise<ReceiptForm[]> {
    return (await this.call("getReceipts", { conversation })).receipts;
  }

  // ── what is one's own ────────────────────────────────────────────────────────────────────────────────────────

  /** Star a message, or no more. */
  star(message: Place, starred = true): Promise<OwnEntry> {
    return this.note("markMessage", { ...place(message), starred });
  }

  /** Delete a message for oneself alone, or no more. */
  hide(message: Place, hidden = true): Promise<OwnEntry> {
    return this.note("markMessage", { ...place(message), hidden });
  }

  /** What one has starred, the last first; `before` is the `n` of the last one of the page before. */
  async starred(before?: number, limit = 50): Promise<{ entries: OwnEntry[]; more: boolean }> {
    const { entries, more } = await this.call("getStarred", { limit, ...(before !== undefined && { before }) });
    return { entries, more };
  }

  /** Set `pinned`, `archived`, `mutedUntil` or `unread` of a conversation; what is not named stays. */
  async setFlags(conversation: string, flags: Omit<Form<"setFlags">, "conversation">): Promise<Flags> {
    return (await this.note("setFlags", { conversation, ...flags })).flags ?? {};
  }

  /** Show others how far one has read, and see it of them; or neither. */
  async showReading(shown: boolean): Promise<void> {
    this.state.takeSettings((await this.call("updateMe", { readReceipts: shown })).settings);
    this.wake();
  }

  // ── conversations ────────────────────────────────────────────────────────────────────────────────────────────

  /** A conversation as the server has it; it is taken into the state. */
  async conversation(conversation: string): Promise<ItemForm> {
    const { item, people } = await this.call("getConversation", { conversation });
    this.state.takeItem(item, people);
    this.wake(conversation);
    return item;
  }

  /** Make a group with these users in it; `more` is the rest of `createGroup`. */
  async createGroup(
    title: string,
    members: string[],
    more: Omit<Form<"createGroup">, "title" | "members"> = {},
  ): Promise<ConversationForm> {
    return (await this.call("createGroup", { ...more, title, members })).conversation;
  }

  /** Change `title`, `description`, `picture` or `openHistory` of a group. */
  async updateGroup(conversation: string, said: Pick<Form<"updateGroup">, About>): Promise<MessageForm> {
    return this.heard(await this.call("updateGroup", { conversation, ...said }));
  }

  /** Add users to a group. */
  async addMembers(conversation: string, members: string[]): Promise<MessageForm> {
    return this.heard(await this.call("addMembers", { conversation, members }));
  }

  /** Put somebody out of a group. */
  async removeMember(conversation: string, user: string): Promise<MessageForm> {
    return this.heard(await this.call("removeMember", { conversation, user }));
  }

  /** Make somebody `member`, `admin` or `owner`. */
  async setRole(conversation: string, user: string, role: Form<"setRole">["role"]): Promise<MessageForm> {
    return this.heard(await this.call("setRole", { conversation, user, role }));
  }

  /** Leave a group. */
  async leave(conversation: string): Promise<MessageForm> {
    return this.heard(await this.call("leaveGroup", { conversation }));
  }

  /** A page of who is in a conversation; `after` is the `next` of the page before. */
  async members(conversation: string, after = "", limit = 50): Promise<{ members: MemberForm[]; next: string | null }> {
    const { members, next } = await this.call("getMembers", { conversation, after, limit });
    return { members, next };
  }

  // ── who is there ─────────────────────────────────────────────────────────────────────────────────────────────

  /** Say that one is typing, every few seconds, or no more. */
  async setTyping(conversation: string, typing = true): Promise<void> {
    await this.call("setTyping", { conversation, typing });
  }

  /** Who of a conversation is there. */
  async presence(conversation: string): Promise<Present[]> {
    return (await this.call("getPresence", { conversation })).people;
  }

  // ── inside ───────────────────────────────────────────────────────────────────────────────────────────────────

  private async change<E extends "editMessage" | "deleteMessage" | "reactToMessage" | "pinMessage">(
    event: E,
    form: Form<E>,
  ): Promise<MessageForm> {
    const { rev, message } = await this.call(event, form);
    this.state.takeChange({ conversation: message.conversation, rev, message });
    this.wake(message.conversation);
    return message;
  }

  private async note<E extends "markMessage" | "setFlags">(event: E, form: Form<E>): Promise<OwnEntry> {
    const { entry } = await this.call(event, form);
    this.state.takeEntry(entry);
    this.wake(entry.conversation);
    return entry;
  }

  private heard({ message }: { message: MessageForm }): MessageForm {
    this.state.takeMessage(message);
    this.wake(message.conversation);
    return message;
  }
}

/** Where it stands, and no more of it. */
function place({ conversation, seq }: Place): Place {
  return { conversation, seq };
}
