/** Gaps: asks the server for what is missing, whenever something may be. */

import { Lost, Refused } from "./errors.js";
import { Gate } from "./gate.js";
import type { Sleep } from "./pauses.js";
import type { Missing, State } from "./state.js";
import type { Commands } from "./wire.js";

/** How long a gap may last before it is asked about: what fills it may be on its way. */
export const SETTLE_S = 0.02;
/** It asks the server anew after so long, whatever it was told: that costs next to nothing, and mends everything. */
export const AGAIN_S = 300;

/** Asks the server, when there is a connection. Rejects with `Lost` where no answer came, `Refused` where it says no. */
export type Ask = <E extends keyof Commands>(event: E, form: Commands[E]["form"]) => Promise<Commands[E]["answer"]>;

/** `fill` works on to the end. `noticed` is called with each conversation in which something is new. */
export class Gaps {
  /** Set while everything is here that is known to be there. */
  readonly filled: Gate;
  private readonly news: Gate;

  constructor(
    private readonly state: State,
    private readonly ask: Ask,
    private readonly noticed: (conversation?: string) => void,
    private readonly sleep: Sleep,
    private readonly ended: AbortSignal,
  ) {
    this.filled = new Gate(ended);
    this.news = new Gate(ended);
  }

  /** Something may be missing. */
  look(): void {
    this.filled.clear();
    this.news.set();
  }

  /** Something may have happened that nobody was told of. */
  catchUp(): void {
    this.state.absences++;
    this.look();
  }

  /** Ask for what is missing, whenever something may be. */
  async fill(): Promise<void> {
    while (!this.ended.aborted) {
      await this.news.wait();
      if (!this.state.isBehind) await this.sleep(SETTLE_S, this.ended);
      this.news.clear();
      const missing = this.state.missing();
      for (const each of missing) await this.find(each);
      if (missing.length) this.news.set();
      else if (!this.news.isSet) this.filled.set();
    }
  }

  private async find(missing: Missing): Promise<void> {
    if (this.ended.aborted) return this.state.unanswered(missing);
    try {
      await this.fetch(missing);
    } catch (error) {
      if (error instanceof Lost) return this.state.unanswered(missing);
      if (!(error instanceof Refused)) throw error;
      if (missing.kind === "item" && error.code === "not_found") {
        this.state.takeNothing(missing);
        return this.noticed();
      }
      console.warn(`what is missing cannot be had: ${error.error}`);
      this.state.unanswered(missing);
      await this.sleep(Math.max(1, error.retryAfterS), this.ended);
    }
  }

  private async fetch(missing: Missing): Promise<void> {
    const { state, ask } = this;
    switch (missing.kind) {
      case "sync": {
        const caught = await ask("sync", state.sync());
        state.takeCaught(missing, caught);
        this.noticed();
        for (const { conversation } of caught.conversations) this.noticed(conversation._id);
        return;
      }
      case "item": {
        const { conversation } = missing;
        const found = await ask("getConversation", { conversation });
        state.takeItem(found.item, found.people);
        return this.noticed(conversation);
      }
      case "messages": {
        const { conversation, after, limit } = missing;
        const page = await ask("getMessages", { conversation, after, limit });
        state.takeMessages(missing, page.messages);
        return this.noticed(conversation);
      }
      case "changes": {
        const { conversation, after } = missing;
        const changes = await ask("getChanges", { conversation, after });
        state.takeChanges(missing, changes.messages, changes.rev, changes.more);
        return this.noticed(conversation);
      }
      case "own": {
        const page = await ask("getOwn", { after: missing.after });
        state.takeEntries(missing, page.entries, page.more);
        return this.noticed();
      }
    }
  }
}
