import { beforeEach, expect, test, vi } from "vitest";
import { Lost, Refused } from "../src/errors.js";
import { MAX_CONTENT_BYTES, Outbox, outgoing, type KeptOutgoing } from "../src/outbox.js";
import type { MessageForm, SendMessage, Sent } from "../src/wire.js";
import { MemoryStore } from "../src/store.js";
import { atOnce, deferred, messageOf, rest } from "./fakes.js";

let sent: SendMessage[];
let stored: MessageForm[];
let answers: (() => Promise<Sent>)[];
let store: MemoryStore;
let end: AbortController;

beforeEach(() => {
  [sent, stored, answers, store, end] = [[], [], [], new MemoryStore(), new AbortController()];
});

/** Answers in order with what is said, and then with all being well. */
function send(form: SendMessage): Promise<Sent> {
  sent.push(form);
  const { content, clientId } = form;
  const done = async () => ({
    ok: true as const,
    message: messageOf(sent.length, { content, clientId: clientId ?? "" }),
  });
  return (answers.shift() ?? done)();
}

const box = () =>
  new Outbox(
    send,
    (message) => stored.push(message),
    () => {},
    store,
    atOnce,
    end.signal,
  );
const to = (clientId: string, place = "ben"): KeptOutgoing => outgoing(clientId, { to: place, clientId });
const fail = (error: Error) => () => Promise.reject(error);
const contents = (some: readonly { content: string }[]) => some.map((each) => each.content);

test("what goes to one place goes in order, one at a time", async () => {
  const first = deferred<Sent>();
  answers = [() => first.promise];
  const outbox = box();
  const posts = ["1", "2", "3"].map((each) => outbox.add(to(each)));
  await rest();
  expect(contents(sent)).toEqual(["1"]);
  first.resolve({ ok: true, message: messageOf(1, { content: "1" }) });
  await Promise.all(posts.map((each) => each.stored));
  expect(contents(sent)).toEqual(["1", "2", "3"]);
  expect(outbox.at("ben")).toEqual([]);
});

test("to several places it goes at once", async () => {
  answers = [() => new Promise(() => {})];
  const outbox = box();
  outbox.add(to("slow"));
  await outbox.add(to("quick", "cleo")).stored;
  expect(contents(stored)).toEqual(["quick"]);
});

test("what was lost on its way is sent again, and what is behind it waits", async () => {
  answers = [fail(new Lost("gone")), fail(new Refused("unavailable", "Later.", { retryAfterS: 1 }))];
  const outbox = box();
  outbox.add(to("1"));
  await outbox.add(to("2")).stored;
  expect(contents(sent)).toEqual(["1", "1", "1", "2"]);
  // By the clientId the server knows that it is the same.
  expect(sent.map((each) => each.clientId)).toEqual(["1", "1", "1", "2"]);
});

test("what is refused stays until somebody says what is to become of it", async () => {
  answers = [fail(new Refused("invalid_input", "No.")), fail(new Refused("invalid_input", "No."))];
  const outbox = box();
  await expect(outbox.add(to("1")).stored).rejects.toThrow("No.");
  await expect(outbox.add(to("2")).stored).rejects.toThrow("No.");
  expect(outbox.at("ben").map((each) => each.refused?.code)).toEqual(["invalid_input", "invalid_input"]);
  outbox.discard("2");
  expect((await outbox.retry("1").stored).content).toBe("1");
  expect(outbox.at("ben")).toEqual([]);
  expect(await store.outbox()).toEqual([]);
});

// Larger yet, and the server would cut the connection, each time again.
test.each(["x".repeat(MAX_CONTENT_BYTES + 1), "ж".repeat(MAX_CONTENT_BYTES / 2) + "x", "x".repeat(1 << 20)])(
  "what is too long is refused at once, and nothing waits for it",
  async (content) => {
    const first = deferred<Sent>();
    answers = [() => first.promise];
    const outbox = box();
    const behind = ["1", "2"].map((each) => outbox.add(to(each)));
    const long = outbox.add({ ...to("long"), content });
    const size = new TextEncoder().encode(content).length;
    const details = { field: "content", maxBytes: 16_384 };
    const error = `content is ${size} bytes long; at most 16384 are accepted.`;
    expect(long.refused).toEqual(new Refused("invalid_input", error, details));
    await expect(long.stored).rejects.toBe(long.refused);
    expect(await store.outbox()).toMatchObject([
      {},
      {},
      { content, refused: { code: "invalid_input", error, details } },
    ]);
    await expect(outbox.retry("long").stored).rejects.toThrow(error);
    first.resolve({ ok: true, message: messageOf(1, { content: "1" }) });
    await Promise.all([...behind, outbox.add(to("3"))].map((each) => each.stored));
    expect(contents(sent)).toEqual(["1", "2", "3"]);
    outbox.discard("long");
    expect(await store.outbox()).toEqual([]);
  },
);

test("as much as a message may have is sent", async () => {
  const content = "ж".repeat(MAX_CONTENT_BYTES / 2);
  expect((await box().add({ ...to("1"), content }).stored).content).toBe(content);
});

test("it is written down before it leaves, and crossed out when it is stored", async () => {
  const written = deferred<void>();
  store.keep = () => written.promise;
  const outbox = box();
  const posted = outbox.add(to("1"));
  await rest();
  expect(sent).toEqual([]);
  written.resolve();
  await posted.stored;
  await rest();
  expect(await store.outbox()).toEqual([]);
});

test("what is written down is what was given, and why it was refused", async () => {
  answers = [fail(new Refused("invalid_input", "No.")), () => new Promise(() => {})];
  const outbox = box();
  outbox.add(to("1"));
  outbox.add({ ...to("2"), replyTo: 7 });
  await rest();
  expect(await store.outbox()).toMatchObject([
    { content: "1", recipient: "ben", refused: { code: "invalid_input", error: "No." } },
    { content: "2", recipient: "ben", replyTo: 7 },
  ]);
});

test("a store that fails is no reason not to send", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  store.keep = () => Promise.reject(new Error("full"));
  expect((await box().add(to("1")).stored).content).toBe("1");
  expect(warn).toHaveBeenCalledOnce();
});

test("what is here already is not sent twice", async () => {
  const outbox = box();
  expect(outbox.add(to("1"))).toBe(outbox.add(to("1")));
  await outbox.add(to("1")).stored;
  expect(contents(sent)).toEqual(["1"]);
});

test("what waits is in the same array as long as it is the same", async () => {
  answers = [() => new Promise(() => {})];
  const outbox = box();
  outbox.add(to("1"));
  const [all, there] = [outbox.all(), outbox.at("ben")];
  expect(outbox.all()).toBe(all);
  expect(outbox.at("ben")).toBe(there);
  outbox.add(to("2"));
  expect(contents(outbox.all())).toEqual(["1", "2"]);
});

test("at the end nothing is sent any more, and all of it is still there", async () => {
  const first = deferred<Sent>();
  answers = [() => first.promise];
  const outbox = box();
  outbox.add(to("1"));
  outbox.add(to("2"));
  await rest();
  end.abort();
  first.reject(new Lost("gone"));
  await rest();
  expect(contents(sent)).toEqual(["1"]);
  expect(contents(await store.outbox())).toEqual(["1", "2"]);
});

test("a message goes to one place", () => {
  expect(() => outgoing("nowhere", {} as { to: string })).toThrow("to whom");
  expect(() => outgoing("both", { to: "ben", conversation: "place" } as unknown as { to: string })).toThrow("to whom");
});
