/**
 * Somebody who is logged in, on this device: the one object that owns the socket, and what is kept beside it. It lives
 * from logging in to logging out, whatever is shown.
 */

import type { Client } from "@fireside/client";
import { createContext, use } from "react";
import type { Drafts } from "./drafts";
import type { People } from "./people";

export interface Credentials {
  username: string;
  password: string;
}

export interface Registration extends Credentials {
  email: string;
}

export interface Session {
  client: Client;
  people: People;
  drafts: Drafts;
  me: string;
  username: string;
  logOut: () => Promise<void>;
}

export const SessionContext = createContext<Session | null>(null);

export function useSession(): Session {
  const session = use(SessionContext);
  if (!session) throw new Error("this is shown to those who are logged in");
  return session;
}

export const useClient = (): Client => useSession().client;
