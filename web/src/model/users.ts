/** Finding people by the beginning of their names. */

import type { Person } from "@fireside/client";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useDeferredValue } from "react";
import { useSession } from "./session";

export type { Person };

const SEARCHABLE = /^[A-Za-z0-9_.-]{1,32}$/;

/** Those whose names begin so; nobody where nobody's can. */
export function useUserSearch(text: string) {
  const { client, people } = useSession();
  const query = useDeferredValue(text.trim().replace(/^@/, ""));
  return useQuery({
    queryKey: ["users", query.toLowerCase()],
    queryFn: async () => {
      const { users } = await client.findUsers(query);
      users.forEach(({ _id, username }) => people.learn(_id, username));
      return users;
    },
    enabled: SEARCHABLE.test(query),
    placeholderData: keepPreviousData,
    staleTime: 30_000,
  });
}
