/** What is asked over HTTP: who somebody is, before there is a connection and beside it. */

import { Lost, Refused, type RefusalBody } from "./errors.js";
import type { Me, Welcome } from "./wire.js";

const TIMEOUT_MS = 20_000;

/** What to ask beside the address. */
export interface Request {
  method?: string;
  token?: string;
  body?: unknown;
}

/** Ask. Rejects with `Lost` where the server cannot be reached, `Refused` where it says no. */
export async function request<T>(server: string, path: string, { method, token, body }: Request = {}): Promise<T> {
  let response: Response;
  let answer: unknown;
  try {
    response = await fetch(`${server.replace(/\/+$/, "")}${path}`, {
      method: method ?? (body === undefined ? "GET" : "POST"),
      headers: {
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(body !== undefined && { "content-type": "application/json" }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    answer = await response.json();
  } catch (error) {
    throw new Lost(`the server cannot be reached: ${String(error)}`);
  }
  if (response.ok) return answer as T;
  // What a proxy says of a server that is gone is not the server's word.
  const refusal = (answer ?? {}) as RefusalBody;
  if (typeof refusal.code !== "string") throw new Lost(`the server cannot be reached: ${response.status}`);
  throw Refused.from(refusal);
}

/** Somebody who is logged in, and the token to say so: for a `Client`. */
export function login(server: string, username: string, password: string): Promise<{ user: Me; token: string }> {
  return request<Welcome>(server, "/api/users/login", { body: { username, password } });
}

/** Register, and be logged in. */
export function register(
  server: string,
  username: string,
  password: string,
  email: string,
): Promise<{ user: Me; token: string }> {
  return request<Welcome>(server, "/api/users/register", { body: { username, password, email } });
}

/** Whose token it is. The server alone can tell whether it is good. */
export function userOf(token: string): string {
  try {
    const payload = (token.split(".")[1] ?? "").replaceAll("-", "+").replaceAll("_", "/");
    const { id } = JSON.parse(atob(payload)) as { id?: unknown };
    if (typeof id === "string") return id;
  } catch {
    // Said below.
  }
  throw new TypeError("this is no token");
}
