import type { LocalConversation } from "@fireside/client";
import { useEffect, useMemo, useState } from "react";
import { refusalText } from "../model/refusals";
import type { View } from "../model/view";
import { toasts } from "../ui/toasts";

/** After so long one begins at the end: there may be no line. */
const PATIENCE_MS = 3_000;

/**
 * Where one begins in a conversation: at the message in the address, or at what is unread where that is further up than
 * what is here. True while that is on its way: nothing is shown before, and nothing is read that was not seen.
 */
export function useStart(local: LocalConversation | undefined, seq: number | null, show: View["show"]): boolean {
  const id = local?.id;
  const start = useMemo(
    () => startOf(local, seq),
    // What is read later moves nothing.
    // oxlint-disable-next-line react-hooks/exhaustive-deps
    [id, seq],
  );
  const [done, setDone] = useState<Start | null>(null);
  useEffect(() => {
    if (!start) return;
    const finish = () => setDone(start);
    const timer = setTimeout(finish, PATIENCE_MS);
    const failed = (error: unknown) => toasts.problem(refusalText(error));
    show(start.seq, start.at).catch(failed).finally(finish);
    return () => clearTimeout(timer);
  }, [start, show]);
  return start !== null && done !== start;
}

interface Start {
  seq: number;
  at: View["startAt"];
}

function startOf(local: LocalConversation | undefined, seq: number | null): Start | null {
  if (!local) return null;
  if (seq !== null) return { seq, at: seq };
  return local.unread > 0 && local.first > local.read + 1 ? { seq: local.read + 1, at: "unread" } : null;
}
