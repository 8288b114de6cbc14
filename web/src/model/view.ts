/**
 * What one sees of a conversation: the newest of it, as the client keeps it, or a window from somewhere in its past.
 * A window that has grown up to what is kept goes on into it, so that reading on from the past arrives at the present.
 */

import { KEPT, type Client, type LocalConversation, type Window } from "@fireside/client";
import { useCallback, useMemo, useRef, useState } from "react";
import { useSelected } from "./client";
import { useClient } from "./session";
import type { Message } from "./types";

const PAGE = 100;

/** Messages next to each other, from `first` to `last`. */
export interface Span {
  first: number;
  last: number;
  get: (seq: number) => Message | undefined;
  hasOlder: boolean;
  hasNewer: boolean;
}

export interface View {
  /** Another one when what is seen has nothing to do with what was seen before. */
  key: string;
  span: Span;
  /** Where it begins: at a message, at the end, or wherever one had read up to. */
  startAt: number | "end" | "unread";
  /** Brings a message into the span, and begins anew there, or at `at`. False where it is there and nothing has to begin. */
  show: (seq: number, at?: View["startAt"]) => Promise<boolean>;
  toLive: () => void;
  older: () => void;
  newer: () => void;
}

const NOTHING: Span = { first: 1, last: 0, get: () => undefined, hasOlder: false, hasNewer: false };

interface Place {
  turn: number;
  window: Window | null;
  startAt: View["startAt"];
}

export function useView(id: string | null): View {
  const client = useClient();
  const [place, setPlace] = useState<Place>({ turn: 0, window: null, startAt: "unread" });
  const { turn, window, startAt } = place;
  const version = useSelected((current) => {
    const local = id ? current.state.conversations.get(id) : undefined;
    return `${local?.version ?? 0}.${window?.version ?? 0}`;
  });
  // What is seen is read from the client, which says by its version when to read it again.
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  const span = useMemo(() => spanOf(client, id, window), [client, id, window, version]);
  const isLoading = useRef(false);

  /** One page at a time. */
  const load = useCallback(async (page: () => Promise<unknown>) => {
    if (isLoading.current) return;
    isLoading.current = true;
    try {
      await page();
    } catch {
      // Whoever scrolls on asks again.
    } finally {
      isLoading.current = false;
    }
  }, []);

  const latest = useRef(span);
  latest.current = span;
  const show = useCallback(
    async (seq: number, at?: View["startAt"]) => {
      const { first, last } = latest.current;
      const isHere = seq >= first && seq <= last;
      if (!id || (isHere && at === undefined)) return false;
      const around = isHere ? null : await client.around(id, seq);
      if (around && !around.has(seq)) throw new RangeError("there is no such message");
      setPlace((before) => ({ turn: before.turn + 1, window: around ?? before.window, startAt: at ?? seq }));
      return true;
    },
    [client, id],
  );
  const toLive = useCallback(
    () => setPlace((before) => (before.window ? { turn: before.turn + 1, window: null, startAt: "end" } : before)),
    [],
  );
  const older = useCallback(
    () =>
      void load(async () => {
        const local = id ? client.state.conversations.get(id) : undefined;
        if (window || !local) return window?.older(PAGE);
        if (local.seq - local.first < KEPT - PAGE) return client.older(local.id, PAGE);
        // The client keeps no more than that. What is further up is seen through a window that joins it.
        const further = await client.around(local.id, local.first);
        await further.older(PAGE);
        setPlace((before) => ({ ...before, window: before.window ?? further }));
      }),
    [load, window, client, id],
  );
  const newer = useCallback(() => void load(async () => window?.newer(PAGE)), [load, window]);
  return { key: `${id}.${turn}`, span, startAt, show, toLive, older, newer };
}

function spanOf(client: Client, id: string | null, window: Window | null): Span {
  const local = id ? client.state.conversations.get(id) : undefined;
  if (!local?.about) return NOTHING;
  return window ? windowSpan(window, local) : liveSpan(local);
}

function liveSpan(local: LocalConversation): Span {
  const { first, seq, messages } = local;
  return { first, last: seq, get: (each) => messages.get(each), hasOlder: !local.isWhole, hasNewer: false };
}

function windowSpan({ messages, isAtStart, isAtEnd }: Window, local: LocalConversation): Span {
  const first = messages[0]?.seq ?? 1;
  const last = messages.at(-1)?.seq ?? 0;
  const joins = isAtEnd || last + 1 >= local.first;
  const ofWindow = (seq: number) => messages[seq - first];
  if (!joins) return { first, last, get: ofWindow, hasOlder: !isAtStart, hasNewer: true };
  const get = (seq: number) => (seq >= local.first ? local.messages.get(seq) : ofWindow(seq));
  return { first: Math.min(first, local.first), last: local.seq, get, hasOlder: !isAtStart, hasNewer: false };
}
