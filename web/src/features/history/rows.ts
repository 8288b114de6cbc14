/**
 * What stands above and around each message: the head of its day, the mark of what is unread, and whether it goes on
 * from the one before. Each row is worked out from its message and the one before alone, so a hundred thousand cost
 * nothing until somebody looks at them.
 */

import { dayOf } from "../../lib/time/dates";
import type { Message } from "../../model/types";

/** Messages of one person go together until they pause for this long. */
const PAUSE_MS = 5 * 60_000;

export interface Around {
  /** The first of its day. */
  opensDay: boolean;
  /** Stands away from what is above. */
  opensGroup: boolean;
  /** The last of what one person said. */
  closesGroup: boolean;
}

type Said = Pick<Message, "sender" | "timestamp" | "system">;

/** How a message stands between its neighbours. */
export function around(
  before: Said | undefined,
  message: Said,
  after: Said | undefined,
  unreadFrom = false,
  unreadAfter = false,
): Around {
  return {
    opensDay: !before || dayOf(before.timestamp) !== dayOf(message.timestamp),
    opensGroup: unreadFrom || !before || !goesOn(before, message),
    closesGroup: unreadAfter || !after || !goesOn(message, after),
  };
}

function goesOn(one: Said, next: Said): boolean {
  return (
    one.sender === next.sender &&
    !one.system &&
    !next.system &&
    Date.parse(next.timestamp) - Date.parse(one.timestamp) < PAUSE_MS &&
    dayOf(one.timestamp) === dayOf(next.timestamp)
  );
}
