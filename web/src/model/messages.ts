import { useSelected } from "./client";
import type { Message } from "./types";

/** A message that is on this device, as it is now. */
export function useMessage(conversation: string, seq: number): Message | undefined {
  return useSelected((client) => {
    const local = client.state.conversations.get(conversation);
    const message = local?.messages.get(seq);
    // What stands after a gap may not be the last word.
    return message && local && seq >= local.first && seq <= local.seq ? message : undefined;
  });
}
