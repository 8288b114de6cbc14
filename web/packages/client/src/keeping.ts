/** Keeping: writes down what is new in the state, some time after it is. */

import { Gate } from "./gate.js";
import type { Sleep } from "./pauses.js";
import type { State } from "./state.js";
import type { Store } from "./store.js";

/** What changes together is written together. */
export const EVERY_S = 0.5;

export class Keeping {
  private readonly news: Gate;
  private written = -1;
  /** It is this one that writes. */
  isLeading: boolean;
  private isAfresh = false;

  /** `leads` is called when this becomes the one that writes. */
  constructor(
    private readonly state: State,
    private readonly store: Store,
    private readonly leads: () => Promise<void>,
    private readonly sleep: Sleep,
    private readonly ended: AbortSignal,
  ) {
    this.news = new Gate(ended);
    this.isLeading = store.isLeading;
  }

  /** Something may be new. */
  look(): void {
    if (this.state.version !== this.written) this.news.set();
  }

  /** Write on, to the end. */
  async run(): Promise<void> {
    if (!this.isLeading) await this.lead();
    while (!this.ended.aborted) {
      await this.news.wait();
      await this.sleep(EVERY_S, this.ended);
      if (!this.ended.aborted) await this.write();
    }
  }

  private async lead(): Promise<void> {
    await this.store.lead(this.ended);
    if (this.ended.aborted) return;
    this.isLeading = true;
    this.writeAll();
    await this.leads();
  }

  /** Write what is new, now. */
  async write(): Promise<void> {
    this.news.clear();
    if (!this.isLeading || this.state.version === this.written) return;
    const { isAfresh } = this;
    this.isAfresh = false;
    this.written = this.state.version;
    try {
      await this.store.write(this.state.changes(), isAfresh);
    } catch (error) {
      console.warn("what is known cannot be written down", error);
      this.writeAll();
      this.written = -1;
    }
  }

  private writeAll(): void {
    this.isAfresh = true;
    this.state.changeAll();
  }
}
