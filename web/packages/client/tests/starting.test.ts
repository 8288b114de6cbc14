/** How a client begins and ends, with a connection that has all answers. */

import { afterEach, expect, test, vi } from "vitest";
import { Client } from "../src/client.js";
import type { Connect } from "../src/connection.js";
import { Lost, Refused } from "../src/errors.js";
import { outgoing } from "../src/outbox.js";
import type { Sleep } from "../src/pauses.js";
import { MemoryStore } from "../src/store.js";
import type { SendMessage } from "../src/wire.js";
import { BEN, deferred, ME, messageOf, PLACE } from "./fakes.js";

const TOKEN = ["e30", btoa(JSON.stringify({ id: ME })), "c2ln"].join(".");
const CAUGHT = { ok: true, conversations: [], own: [], people: {}, readReceipts: true, cursor: "1", more: false };
const clients: Client[] = [];

afterEach(async () => {
  await Promise.all(clients.splice(0).map((each) => each.close()));
});

/** A client, and what it sends. */
function clientOf(store: MemoryStore, sleep?: Sleep, line?: Connect): { client: Client; sent: string[] } {
  const sent: string[] = [];
  const answer = (event: string, body: unknown) => {
    if (event !== "sendMessage") return CAUGHT;
    const { content, clientId } = body as SendMessage;
    return { ok: true, message: messageOf(sent.push(content), { content, clientId: clientId ?? "" }) };
  };
  const connect: Connect = async () => {
    let close = () => {};
    const lost = new Promise<void>((resolve) => (close = resolve));
    return { lost, close, call: async (event, body) => answer(event, body) };
  };
  const client = new Client("", TOKEN, { store, connect: line ?? connect, ...(sleep && { sleep }) });
  clients.push(client);
  return { client, sent };
}

test("what was left is sent before what is posted now", async () => {
  const store = new MemoryStore();
  for (const each of ["1", "2"]) await store.keep(outgoing(each, { to: BEN, clientId: each }));
  const { client, sent } = clientOf(store);
  await client.start();
  expect(client.pending(BEN).map((each) => each.content)).toEqual(["1", "2"]);
  await client.send("3", { to: BEN });
  expect(sent).toEqual(["1", "2", "3"]);
});

test("who is closed while it begins does not begin, and leaves nothing open", async () => {
  const opened = deferred<null>();
  const store = new MemoryStore();
  store.open = () => opened.promise;
  store.close = vi.fn(async () => {});
  const { client } = clientOf(store);
  const starting = client.start();
  const closing = client.close();
  expect(store.close).not.toHaveBeenCalled();
  opened.resolve(null);
  await expect(starting).rejects.toThrow(Lost);
  await closing;
  expect(client.status).toBe("connecting");
  expect(store.close).toHaveBeenCalledOnce();
});

test("it heeds what the browser says of the network", async () => {
  const network = new EventTarget();
  vi.stubGlobal("addEventListener", network.addEventListener.bind(network));
  vi.stubGlobal("removeEventListener", network.removeEventListener.bind(network));
  // Nobody goes on before they are called off.
  const sleep: Sleep = (_, calledOff) =>
    new Promise((resolve) => {
      if (calledOff.aborted) resolve();
      calledOff.addEventListener("abort", () => resolve());
    });
  const { client } = clientOf(new MemoryStore(), sleep);
  await client.start();
  await vi.waitUntil(() => client.online);
  network.dispatchEvent(new Event("offline"));
  await vi.waitUntil(() => client.status === "offline");
  network.dispatchEvent(new Event("online"));
  await vi.waitUntil(() => client.online);
  await client.close();
  vi.unstubAllGlobals();
});

test("a store that cannot be opened is let go of, and everything else goes on", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  const store = new MemoryStore();
  store.open = () => Promise.reject(new Error("no room"));
  store.close = vi.fn(async () => {});
  const { client, sent } = clientOf(store);
  await client.start();
  expect(store.close).toHaveBeenCalledOnce();
  await client.send("1", { to: BEN });
  expect(sent).toEqual(["1"]);
});

/** What becomes of a call, and of two messages. */
const asked = (client: Client, what: string) =>
  Promise.allSettled([
    client.call("getPresence", { conversation: PLACE }),
    client.send(`${what} 1`, { to: BEN }),
    client.send(`${what} 2`, { to: BEN }),
  ]);
const allFor = (reason: unknown) => Array.from({ length: 3 }, () => ({ status: "rejected", reason }));

test.each([new Refused("unauthorized", "Not you."), new TypeError("which server?")])(
  "whoever waits hears why it has ended, and what was not sent is kept",
  async (why) => {
    const [store, opened] = [new MemoryStore(), deferred<never>()];
    const { client } = clientOf(store, undefined, () => opened.promise);
    await client.start();
    const early = asked(client, "early");
    opened.reject(why);
    await expect(client.wait()).rejects.toBe(why);
    await expect(client.settled()).rejects.toBe(why);
    expect(await early).toEqual(allFor(why));
    expect(await asked(client, "late")).toEqual(allFor(why));
    const left = (await store.outbox()).map((each) => each.content);
    expect(left).toEqual(["early 1", "early 2", "late 1", "late 2"]);
    expect(client.waiting().map((each) => each.content)).toEqual(left);
  },
);

test("whoever waits hears that it is closed", async () => {
  const opened = deferred<never>();
  const { client } = clientOf(new MemoryStore(), undefined, () => opened.promise);
  await client.start();
  const waiting = asked(client, "never");
  const closing = client.close();
  opened.reject(new Lost("gone"));
  await closing;
  const closed = new Lost("the client is closed");
  expect(await waiting).toEqual(allFor(closed));
  expect(await asked(client, "late")).toEqual(allFor(closed));
  await expect(client.wait()).rejects.toEqual(closed);
});
