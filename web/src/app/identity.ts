/** Who is logged in on this device: kept between visits, and what is made of it while somebody is here. */

import { Client, IndexedDbStore, login, MemoryStore, Refused, register as registerUser } from "@fireside/client";
import { Drafts } from "../model/drafts";
import { People } from "../model/people";
import type { Credentials, Registration, Session } from "../model/session";

/** The page comes from the server itself. */
const SERVER = "";
const KEY = "fireside.identity";

export interface Identity {
  id: string;
  username: string;
  token: string;
}

export function rememberedIdentity(): Identity | null {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? "null") as Partial<Identity> | null;
    if (typeof found?.id !== "string" || typeof found.username !== "string" || typeof found.token !== "string")
      return null;
    return { id: found.id, username: found.username, token: found.token };
  } catch {
    return null;
  }
}

export function forgetIdentity(): void {
  localStorage.removeItem(KEY);
}

export async function logIn({ username, password }: Credentials): Promise<Identity> {
  return remember(await login(SERVER, username, password));
}

export async function register({ username, password, email }: Registration): Promise<Identity> {
  return remember(await registerUser(SERVER, username, password, email));
}

function remember({ user, token }: { user: { _id: string; username: string }; token: string }): Identity {
  const identity = { id: user._id, username: user.username, token };
  localStorage.setItem(KEY, JSON.stringify(identity));
  return identity;
}

interface Listeners {
  onLoggedOut: () => void;
  /** The token is not accepted any more. */
  onTurnedAway: () => void;
}

/** What this person has on this device, opened: it shows what was there at once, and connects. */
export async function openSession(
  { id, username, token }: Identity,
  { onLoggedOut, onTurnedAway }: Listeners,
): Promise<Session> {
  const store = "indexedDB" in globalThis ? new IndexedDbStore() : null;
  const client = new Client(SERVER, token, { store: store ?? new MemoryStore() });
  await client.start();
  client.wait().catch((error: unknown) => error instanceof Refused && onTurnedAway());
  const people = new People(client);
  people.learn(id, username);
  const drafts = new Drafts(id);
  const logOut = async () => {
    drafts.forget();
    await client.close();
    await store?.erase(id);
    onLoggedOut();
  };
  return { client, people, drafts, me: id, username, logOut };
}
