/** What several tests need. */

import type { Sleep } from "../src/pauses.js";
import type { MessageForm } from "../src/wire.js";

export const ME = "me";
export const BEN = "ben";
export const PLACE = "place";

/** As long as everybody else takes for a turn. */
export const atOnce: Sleep = () => new Promise((resolve) => setTimeout(resolve));

export function messageOf(seq: number, more: Partial<MessageForm> = {}): MessageForm {
  const _id = `${PLACE}-${seq}`;
  const timestamp = "2026-11-22T09:42:00.123Z";
  return { _id, conversation: PLACE, seq, sender: BEN, content: `${seq}`, timestamp, clientId: _id, ...more };
}

/** A promise, and what settles it. */
export function deferred<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (error: unknown) => void } {
  let resolve: (value: T) => void = () => {};
  let reject: (error: unknown) => void = () => {};
  const promise = new Promise<T>((yes, no) => ([resolve, reject] = [yes, no]));
  return { promise, resolve, reject };
}

/** Everybody else gets to do what they can. */
export async function rest(): Promise<void> {
  for (let each = 0; each < 20; each++) await new Promise((resolve) => setImmediate(resolve));
}
