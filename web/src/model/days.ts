/** Where a day begins in a conversation. */

import type { Client } from "@fireside/client";

/** The first message of that day or, where nothing was said then, the next one; the last one where there is none. */
export async function seqOfDay(client: Client, conversation: string, day: Date): Promise<number> {
  const local = client.state.conversations.get(conversation);
  const time = day.getTime();
  let low = (local?.about?.since ?? 0) + 1;
  let high = local?.lastSeq ?? 0;
  // Times rise with seq: the wanted one is found by halving.
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const held = local?.messages.get(middle);
    const [message] = held
      ? [held]
      : (await client.call("getMessages", { conversation, after: middle - 1, limit: 1 })).messages;
    if (message && Date.parse(message.timestamp) < time) low = Math.max(middle, message.seq) + 1;
    else high = middle;
  }
  return Math.min(low, local?.lastSeq ?? low);
}
