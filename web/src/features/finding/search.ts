/**
 * Messages that say something. The server keeps what was said and does not look into it, so this device does: first
 * into what it has, and into what is older when somebody asks for that.
 */

import { useEffect, useMemo, useState } from "react";
import { useSelected } from "../../model/client";
import { useClient } from "../../model/session";
import type { Message } from "../../model/types";

export interface Hit {
  conversation: string;
  message: Message;
}

const SHORTEST = 2;
const MOST = 50;
const PAGE = 100;
/** Pages a press of the button. */
const PAGES = 20;

const says = (message: Message, wanted: string): boolean =>
  !message.deletedAt && !message.hidden && message.content.toLowerCase().includes(wanted);

export function useMessageSearch(words: string, within: string | null) {
  const client = useClient();
  const wanted = words.toLowerCase();
  const [older, setOlder] = useState<{ hits: Hit[]; first: number | null }>({ hits: [], first: null });
  const [isSearching, setSearching] = useState(false);
  useEffect(() => setOlder({ hits: [], first: null }), [wanted, within]);

  const here = useMemo(() => {
    if (wanted.length < SHORTEST) return [];
    const hits: Hit[] = [];
    for (const local of client.state.conversations.values()) {
      if (within !== null && local.id !== within) continue;
      for (const message of local.messages.values())
        if (says(message, wanted)) hits.push({ conversation: local.id, message });
    }
    return hits.sort((one, other) => other.message.timestamp.localeCompare(one.message.timestamp)).slice(0, MOST);
  }, [client, wanted, within]);

  const first = useSelected((current) => (within === null ? 0 : (current.state.conversations.get(within)?.first ?? 0)));
  const from = older.first ?? first;
  const searchOlder = async () => {
    if (within === null) return;
    setSearching(true);
    try {
      let before = from;
      const hits: Hit[] = [];
      for (let page = 0; page < PAGES && before > 1 && hits.length < MOST; page++) {
        const messages = (await client.call("getMessages", { conversation: within, before, limit: PAGE })).messages;
        hits.push(
          ...messages
            .filter((each) => says(each, wanted))
            .map((message) => ({ conversation: within, message }))
            .reverse(),
        );
        before = messages.length < PAGE ? 0 : (messages[0]?.seq ?? 0);
      }
      setOlder({ hits: [...older.hits, ...hits], first: before });
    } finally {
      setSearching(false);
    }
  };
  return {
    hits: [...here, ...older.hits],
    hasOlder: within !== null && wanted.length >= SHORTEST && from > 1,
    isSearching,
    searchOlder: () => void searchOlder(),
  };
}
