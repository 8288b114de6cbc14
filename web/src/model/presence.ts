/** Who is there and who types, in the conversation that is open. */

import { useCallback, useEffect, useRef } from "react";
import { t } from "../lib/i18n";
import { lastSeen } from "../lib/time/dates";
import { useSelected } from "./client";
import { useClient } from "./session";

/** Others are told that one types for some seconds: it is said again in time. */
const SAY_AGAIN_MS = 3_000;

export interface Watch {
  typing: readonly string[];
  isOnline: (user: string) => boolean;
  /** Online, or when they were there last; nothing where that is not known. */
  presenceOf: (user: string, now: number) => string;
  setTyping: (isTyping: boolean) => void;
}

export function useWatch(conversation: string | null): Watch {
  const client = useClient();
  useEffect(() => (conversation ? client.watch(conversation) : undefined), [client, conversation]);
  const typing = useSelected((current) => (conversation ? current.typingIn(conversation) : NOBODY));
  // Who is there changes with the rest.
  useSelected((current) => current.version);
  const isOnline = useCallback(
    (user: string) => client.status === "online" && (client.presenceOf(user)?.online ?? false),
    [client],
  );
  const presenceOf = useCallback(
    (user: string, now: number) => {
      const present = client.presenceOf(user);
      if (!present || client.status !== "online") return "";
      if (present.online) return t("presence.online");
      return present.lastSeen ? lastSeen(present.lastSeen, now) : "";
    },
    [client],
  );
  const said = useRef<{ isTyping: boolean; at: number }>({ isTyping: false, at: 0 });
  const setTyping = useCallback(
    (isTyping: boolean) => {
      const { current } = said;
      const isNews = isTyping !== current.isTyping || (isTyping && Date.now() - current.at > SAY_AGAIN_MS);
      if (!conversation || !isNews || client.status !== "online") return;
      said.current = { isTyping, at: Date.now() };
      client.setTyping(conversation, isTyping).catch(() => {});
    },
    [client, conversation],
  );
  return { typing, isOnline, presenceOf, setTyping };
}

const NOBODY: readonly string[] = [];
