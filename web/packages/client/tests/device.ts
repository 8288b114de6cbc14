/**
 * Devices for tests/client/test_model.py: as many clients as it likes in one process. What they do is the test's to say,
 * and their connections are the test's, too: JSON lines over pipes, in both directions (see tests/client/javascript.py).
 */

import { createInterface } from "node:readline";
import { Client, Lost, MemoryStore, Refused, type Connection, type Hear } from "@fireside/client";

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

interface Held {
  client: Client;
  store: MemoryStore;
}

interface Waiting {
  resolve: (value: unknown) => void;
  reject: (error: unknown) => void;
}

const devices = new Map<number, Held>();
const connections = new Map<number, { hear: Hear; lose: () => void }>();
const waiting = new Map<number, Waiting>();
let numbers = 0;

// ── what the test has done ─────────────────────────────────────────────────────────────────────────────────────

const DOINGS: Record<string, (device: number, ...args: never[]) => unknown> = {
  start,
  stop: async (device) => {
    await held(device).client.close();
    devices.delete(device);
  },
  /** Begin again with what was written down: to the last, at a good end (`closed`), or so far, at a bad one. */
  restart: async (device, how: "closed" | "killed" | "forgetful", token: string, keep: number | null) => {
    const { client, store } = held(device);
    const left = how === "killed" ? copyOf(store) : how === "closed" ? store : new MemoryStore();
    await client.close();
    await start(device, token, keep, left);
  },
  post: (device, content: string, where: { conversation: string }) => held(device).client.post(content, where).stored,
  readAll: async (device) => {
    const { client } = held(device);
    for (const local of client.state.conversations.values()) {
      for (let before = Infinity; !local.isWhole && local.first !== before;) {
        before = local.first;
        await client.older(local.id, 100);
      }
    }
    await client.settled();
  },
  conversations: (device) => Array.from(held(device).client.state.conversations.values(), (local) => local.plain()),
  /** Everybody else gets to do something. */
  turn: () => new Promise((resolve) => setImmediate(resolve, null)),
};

async function start(device: number, token: string, keep: number | null, store = new MemoryStore()): Promise<void> {
  const connect = async (_: string, token: string, hear: Hear): Promise<Connection> => {
    const number = numbers++;
    const lost = new Promise<void>((lose) => connections.set(number, { hear, lose }));
    await ask("connect", number, device, token);
    return {
      lost,
      call: (event, body) => ask("call", number, event, body),
      close: () => {
        connections.get(number)?.lose();
        connections.delete(number);
        tell("close", number);
      },
    };
  };
  const sleep = () => new Promise<void>((resolve) => setImmediate(resolve));
  const client = new Client("", token, { store, keep, connect, sleep });
  devices.set(device, { client, store });
  await client.start();
}

function held(device: number): Held {
  const found = devices.get(device);
  if (!found) throw new Error(`there is no device ${device}`);
  return found;
}

function copyOf(store: MemoryStore): MemoryStore {
  return Object.assign(new MemoryStore(), structuredClone({ ...store }));
}

async function carryOut(id: number, device: number, doing: string, args: never[]): Promise<void> {
  try {
    const own = DOINGS[doing];
    const value = await (own ? own(device, ...args) : onClient(device, doing, args));
    tell("answer", id, value ?? null);
  } catch (error) {
    tellError(id, error);
  }
}

function onClient(device: number, doing: string, args: never[]): unknown {
  const { client } = held(device);
  const method = client[doing as keyof Client] as (this: Client, ...args: never[]) => unknown;
  return method.apply(client, args);
}

function tellError(id: number, error: unknown): void {
  if (error instanceof Lost) tell("lost", id, error.message);
  else if (error instanceof Refused) {
    tell("refused", id, { code: error.code, error: error.error, details: error.details });
  } else tell("failed", id, error instanceof Error ? (error.stack ?? error.message) : String(error));
}

// ── the pipes ──────────────────────────────────────────────────────────────────────────────────────────────────

function tell(...line: unknown[]): void {
  process.stdout.write(`${JSON.stringify(line)}\n`);
}

function ask(what: string, ...args: unknown[]): Promise<unknown> {
  const id = numbers++;
  tell(what, id, ...args);
  return new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
}

function answered(id: number): Waiting | undefined {
  const found = waiting.get(id);
  waiting.delete(id);
  return found;
}

const HEARD: Record<string, (...args: never[]) => void> = {
  do: (id: number, device: number, doing: string, args: never[]) => void carryOut(id, device, doing, args),
  answer: (id: number, value: Json) => answered(id)?.resolve(value),
  lost: (id: number, why: string) => answered(id)?.reject(new Lost(why)),
  refused: (id: number, body: { [name: string]: Json }) => answered(id)?.reject(Refused.from(body as object)),
  event: (connection: number, name: string, body: Json) => connections.get(connection)?.hear(name, body),
  gone: (connection: number) => connections.get(connection)?.lose(),
};

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
  const [what, ...args] = JSON.parse(line) as [string, ...never[]];
  HEARD[what]?.(...args);
}
process.exit();
