/**
 * What this device knows, as plain data, in the console: `fireside.conversations()`. It is there to be looked at, changes
 * nothing, and tells the owner of the page what is theirs. The journeys hold it against a fresh client.
 */

import type { Client } from "@fireside/client";

function inspecting(client: Client) {
  return Object.freeze({
    settled: () => client.settled(),
    waiting: () => client.waiting().length,
    conversations: () => Array.from(client.state.conversations.values(), (local) => local.plain()),
  });
}

declare global {
  interface Window {
    fireside?: ReturnType<typeof inspecting>;
  }
}

/** Be there in the console, until what this gives is called. */
export function offerInspection(client: Client): () => void {
  const offered = inspecting(client);
  window.fireside = offered;
  return () => {
    if (window.fireside === offered) delete window.fireside;
  };
}
