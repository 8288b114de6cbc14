/** The client as programs use it, against a real server. */

import "fake-indexeddb/auto";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Client, type ClientOptions } from "../src/client.js";
import { SocketIoConnection, type Connect, type Connection } from "../src/connection.js";
import { Lost, Refused } from "../src/errors.js";
import { IndexedDbStore } from "../src/indexeddb.js";
import { outgoing } from "../src/outbox.js";
import { login } from "../src/rest.js";
import { MemoryStore } from "../src/store.js";
import type { MessageForm } from "../src/wire.js";
import { Server } from "./serving.js";

let server: Server;
const clients: Client[] = [];

beforeAll(async () => {
  server = await Server.start();
}, 60_000);

afterAll(() => server.close());

afterEach(async () => {
  await Promise.all(clients.splice(0).map((each) => each.close()));
});

async function device(token: string, options: ClientOptions = {}): Promise<Client> {
  const client = new Client(server.url, token, options);
  clients.push(client);
  await client.start();
  return client;
}

async function two() {
  const [ann, bob] = [await server.person(), await server.person()];
  return { ann, bob, anns: await device(ann.token), bobs: await device(bob.token) };
}

/** Wait until this is so. */
function until(client: Client, isSo: () => unknown): Promise<void> {
  return new Promise((resolve) => {
    const look = () => {
      if (!isSo()) return;
      stop();
      resolve();
    };
    const stop = client.subscribe(look);
    look();
  });
}

const contents = (client: Client) =>
  [...client.state.conversations.values()]
    .at(-1)
    ?.history()
    .map((each) => each.content);

/** All that was said in the last conversation: of one that is new here the end alone comes by itself. */
async function everything(client: Client): Promise<string[] | undefined> {
  const local = [...client.state.conversations.values()].at(-1);
  if (!local || local.isWhole) return contents(client);
  await client.older(local.id);
  return everything(client);
}

/** Connections that can be cut, and that there can be none of. */
class Lines {
  isDown = false;
  private readonly open = new Set<Connection>();

  readonly connect: Connect = async (...where) => {
    if (this.isDown) throw new Lost("no line");
    const connection = await SocketIoConnection.open(...where);
    this.open.add(connection);
    return connection;
  };

  cut(): void {
    for (const each of this.open) each.close();
    this.open.clear();
  }
}

test("what one says the other hears, and has read", async () => {
  const { bob, ann, anns, bobs } = await two();
  const message = await anns.send("Hello!", { to: bob.id });
  await until(bobs, () => contents(bobs)?.includes("Hello!"));
  expect(bobs.state.unread).toBe(1);
  bobs.markRead(message.conversation, message.seq);
  const theirs = () => anns.state.conversations.get(message.conversation)?.receipts.get(bob.id);
  await until(anns, () => theirs()?.read === 1);
  await until(bobs, () => bobs.state.unread === 0);
  await anns.edit(message, "Hello Bob!");
  await until(bobs, () => contents(bobs)?.includes("Hello Bob!"));
  await bobs.react(message, "👍");
  await until(anns, () => anns.state.conversations.get(message.conversation)?.messages.get(1)?.reactions?.[bob.id]);
  expect(await anns.seenBy(message)).toEqual({ deliveredTo: [bob.id], seenBy: [bob.id] });
  expect((await anns.edits(message)).map((each) => each.content)).toEqual(["Hello!", "Hello Bob!"]);
  expect(anns.state.people[ann.id]).toBe(ann.username);
});

test("what is posted while there is no line is sent when there is, once and in order", async () => {
  const { bob, ann, bobs } = await two();
  const lines = new Lines();
  const anns = await device(ann.token, { connect: lines.connect });
  await anns.settled();
  lines.isDown = true;
  lines.cut();
  await until(anns, () => anns.status === "offline");
  const posts = ["1", "2", "3"].map((each) => anns.post(each, { to: bob.id }));
  expect(anns.pending(bob.id)).toEqual(posts);
  await bobs.send("meanwhile", { to: ann.id });
  lines.isDown = false;
  anns.reconnectNow();
  await Promise.all(posts.map((each) => each.stored));
  await anns.settled();
  expect(await everything(anns)).toEqual(["meanwhile", "1", "2", "3"]);
  expect(anns.pending(bob.id)).toEqual([]);
  await until(bobs, () => contents(bobs)?.at(-1) === "3");
  expect(await everything(bobs)).toEqual(["meanwhile", "1", "2", "3"]);
});

test("it comes back when the server does", async () => {
  const { bob, anns, bobs } = await two();
  await anns.send("before", { to: bob.id });
  await server.stop("SIGKILL");
  await until(anns, () => anns.status !== "online");
  const posted = anns.post("after", { to: bob.id });
  await server.run();
  anns.reconnectNow();
  bobs.reconnectNow();
  await posted.stored;
  await until(bobs, () => contents(bobs)?.includes("after"));
  expect(await everything(bobs)).toEqual(["before", "after"]);
}, 60_000);

test("from its store it knows what was there, and sends what was left", async () => {
  const { bob, ann, bobs } = await two();
  const store = () => new IndexedDbStore("restart");
  const first = await device(ann.token, { store: store() });
  const message = await first.send("first", { to: bob.id });
  await first.settled();
  await first.close();
  const lines = new Lines();
  lines.isDown = true;
  const offline = await device(ann.token, { store: store(), connect: lines.connect });
  expect(contents(offline)).toEqual(["first"]);
  const posted = offline.post("left", { conversation: message.conversation, clientId: "left-1" });
  await until(offline, () => offline.status === "offline");
  await offline.close();
  const again = await device(ann.token, { store: store() });
  await until(again, () => again.pending(message.conversation).length || contents(again)?.includes("left"));
  await until(bobs, () => contents(bobs)?.includes("left"));
  await again.settled();
  expect(await everything(again)).toEqual(["first", "left"]);
  expect(posted.refused).toBeUndefined();
});

test("what is refused can be sent again or forgotten, also another day", async () => {
  const { bob, ann, anns } = await two();
  const store = new MemoryStore();
  const mine = await device(ann.token, { store });
  await expect(mine.send("a\0b", { to: bob.id, clientId: "nul" })).rejects.toThrow(Refused);
  await mine.close();
  const again = await device(ann.token, { store });
  await until(again, () => again.pending(bob.id).length);
  expect(again.pending(bob.id)[0]?.refused?.code).toBe("invalid_input");
  await expect(again.retry("nul").stored).rejects.toThrow(Refused);
  again.discard("nul");
  expect(again.pending(bob.id)).toEqual([]);
  await anns.settled();
  expect(anns.state.conversations.size).toBe(0);
});

test("what is too long is refused in the server's words", async () => {
  const { bob, anns } = await two();
  const content = "ж".repeat(10_000);
  const theirs = await anns.call("sendMessage", { content, recipient: bob.id }).catch((error: unknown) => error);
  expect(theirs).toBeInstanceOf(Refused);
  await expect(anns.send(content, { to: bob.id })).rejects.toEqual(theirs);
});

test("what is too long for the line is refused, also when it was left, and what is behind it is sent", async () => {
  const { bob, ann, bobs } = await two();
  const store = () => new IndexedDbStore("too long");
  const content = "x".repeat(200_000);
  // As it was before anybody looked.
  const before = store();
  await before.open(ann.id);
  await before.keep(outgoing(content, { to: bob.id, clientId: "left" }));
  await before.keep(outgoing("behind it", { to: bob.id, clientId: "behind" }));
  await before.close();
  const mine = await device(ann.token, { store: store() });
  await until(bobs, () => contents(bobs)?.includes("behind it"));
  await expect(mine.send(content, { to: bob.id })).rejects.toMatchObject({ code: "invalid_input" });
  await mine.close();
  const again = await device(ann.token, { store: store() });
  expect(again.pending(bob.id).map((each) => each.refused?.code)).toEqual(["invalid_input", "invalid_input"]);
});

test("the past is read a page at a time, and windows show what is far above", async () => {
  const { bob, ann, anns, bobs } = await two();
  await bobs.settled();
  for (let each = 1; each <= 80; each++) void anns.post(`${each}`, { to: bob.id });
  const { conversation } = await anns.send("81", { to: bob.id });
  const fresh = await device(ann.token);
  await fresh.settled();
  const local = fresh.state.conversations.get(conversation);
  expect(local?.first).toBe(62);
  await fresh.older(conversation, 10);
  expect([local?.first, local?.isWhole]).toEqual([52, false]);
  const window = await fresh.around(conversation, 20, 10);
  const seqs = () => window.messages.map((each) => each.seq);
  expect(seqs()).toEqual([16, 17, 18, 19, 20, 21, 22, 23, 24, 25]);
  await window.older(20);
  await window.newer(5);
  expect([seqs()[0], seqs().at(-1), window.isAtStart]).toEqual([1, 30, true]);
  await anns.edit({ conversation, seq: 20 }, "twenty");
  await until(fresh, () => window.messages[19]?.content === "twenty");
  await fresh.hide({ conversation, seq: 21 });
  expect(window.messages[20]?.hidden).toBe(true);
  await fresh.hide({ conversation, seq: 21 }, false);
  await until(fresh, () => window.messages[20]?.content === "21");
  expect(local?.first).toBe(52);
});

test("of what somebody looks at nothing is let go of", async () => {
  const { bob, ann, anns } = await two();
  for (let each = 1; each < 20; each++) void anns.post(`${each}`, { to: bob.id });
  const { conversation } = await anns.send("20", { to: bob.id });
  const bobs = await device(bob.token, { keep: 5 });
  await bobs.settled();
  const count = () => bobs.state.conversations.get(conversation)?.history().length;
  expect(count()).toBe(5);
  const close = bobs.watch(conversation);
  await bobs.older(conversation, 10);
  await bobs.send("21", { to: ann.id });
  expect(count()).toBe(16);
  close();
  expect(count()).toBe(5);
});

test("groups, flags, stars and who is there", async () => {
  const { bob, ann, anns, bobs } = await two();
  const group = await anns.createGroup("Book club", [bob.id], { openHistory: true });
  await until(bobs, () => bobs.state.conversations.get(group._id)?.about?.title === "Book club");
  const typing: string[] = [];
  bobs.on("typing", (body) => typing.push(body.user));
  const close = bobs.watch(group._id);
  await until(bobs, () => bobs.presenceOf(ann.id)?.online);
  await anns.setTyping(group._id);
  await until(bobs, () => bobs.typingIn(group._id).includes(ann.id));
  expect(typing).toEqual([ann.id]);
  close();
  const also = await device(ann.token);
  await anns.setFlags(group._id, { pinned: true });
  await until(also, () => also.state.conversations.get(group._id)?.flags.pinned);
  const message = await anns.send("Tonight?", { conversation: group._id });
  await anns.star(message);
  expect((await also.starred()).entries.map((each) => each.seq)).toEqual([message.seq]);
  await anns.forward(message, { to: bob.id });
  await until(bobs, () => contents(bobs)?.includes("Tonight?"));
  expect((await anns.members(group._id)).members.map((each) => each.user)).toEqual([ann.id, bob.id]);
  await bobs.leave(group._id);
  await until(anns, () => anns.state.conversations.get(group._id)?.about?.memberCount === 1);
  expect((await anns.findUsers(bob.username)).users[0]).toEqual({ _id: bob.id, username: bob.username });
  expect((await anns.profile()).readReceipts).toBe(true);
  await anns.showReading(false);
  expect((await anns.profile()).readReceipts).toBe(false);
});

test("a handler gets every message of others, from the first unread one on, and each once", async () => {
  const { bob, ann, anns } = await two();
  for (let each = 1; each <= 30; each++) void anns.post(`${each}`, { to: bob.id });
  await anns.send("31", { to: bob.id });
  const read: string[] = [];
  const reader = await device(bob.token, { keep: 10 });
  await reader.settled();
  const done = new Promise<void>((resolve) => {
    reader.onMessage((message: MessageForm) => {
      read.push(message.content);
      if (read.length === 32) resolve();
    });
  });
  await reader.send("mine", { to: ann.id });
  await anns.send("32", { to: bob.id });
  await done;
  expect(read).toEqual(Array.from({ length: 32 }, (_, index) => `${index + 1}`));
});

test("who is not let in is told why", async () => {
  const token = ["e30", btoa(JSON.stringify({ id: "nobody" })), "c2ln"].join(".");
  const client = await device(token);
  await expect(client.wait()).rejects.toMatchObject({ code: "unauthorized" });
  await expect(client.settled()).rejects.toThrow(Refused);
  await expect(login(server.url, "nobody", "correct horse battery")).rejects.toMatchObject({
    code: "invalid_credentials",
  });
  expect(() => new Client(server.url, "no token").state).toThrow("start()");
  await expect(new Client(server.url, "no token").start()).rejects.toThrow("no token");
});

test("a token is asked for again when it is no good any more", async () => {
  const ann = await server.person();
  let asked = 0;
  const bad = ann.token.slice(0, -4);
  const client = new Client(server.url, async () => (asked++ ? ann.token : bad));
  clients.push(client);
  await client.start();
  await until(client, () => client.status === "online");
  expect(asked).toBe(2);
});

test("where there is no server, it is lost", async () => {
  await expect(login("http://127.0.0.1:9", "ann", "correct horse battery")).rejects.toThrow(Lost);
});
