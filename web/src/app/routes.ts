/**
 * Where one is, in the address: `#/` the list, `#/c/<conversation>` and `#/c/<conversation>/<seq>`, `#/u/<user>` for
 * somebody there is no conversation with yet. Behind the `#`, so that any server can serve it and reloading comes back.
 */

import { useSyncExternalStore } from "react";

export interface Route {
  conversation: string | null;
  user: string | null;
  seq: number | null;
}

const NOWHERE: Route = { conversation: null, user: null, seq: null };
const PATH = /^#\/(?:c\/([0-9a-f]{24})(?:\/(\d{1,15}))?|u\/([0-9a-f]{24}))$/;

export function routeOf(hash: string): Route {
  const match = PATH.exec(hash);
  if (!match) return NOWHERE;
  const [, conversation = null, seq, user = null] = match;
  return { conversation, user, seq: seq === undefined ? null : Number(seq) };
}

export const to = {
  list: () => "#/",
  conversation: (id: string, seq?: number) => `#/c/${id}${seq === undefined ? "" : `/${seq}`}`,
  user: (id: string) => `#/u/${id}`,
};

export function go(hash: string, options: { replace?: boolean } = {}): void {
  if (location.hash === hash) return;
  if (options.replace) {
    history.replaceState(null, "", hash);
    dispatchEvent(new HashChangeEvent("hashchange"));
  } else location.hash = hash;
}

function subscribe(listener: () => void): () => void {
  addEventListener("hashchange", listener);
  return () => removeEventListener("hashchange", listener);
}

export const useHash = () => useSyncExternalStore(subscribe, () => location.hash);
