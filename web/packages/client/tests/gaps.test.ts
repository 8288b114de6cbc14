import { expect, test, vi } from "vitest";
import { Lost, Refused } from "../src/errors.js";
import { Gaps, type Ask } from "../src/gaps.js";
import { State } from "../src/state.js";
import { atOnce, ME, messageOf, PLACE } from "./fakes.js";

const CAUGHT = { ok: true, conversations: [], own: [], people: {}, readReceipts: true, cursor: "1", more: false };
const ITEM = {
  conversation: { _id: PLACE, kind: "direct", createdAt: "", members: [], memberCount: 2 },
  ...{ seq: 1, rev: 0, unread: 1, activeAt: "", flags: {}, receipts: [], changed: [], changedFrom: 0 },
  messages: [messageOf(1)],
};
const GOOD: Record<string, unknown> = {
  sync: CAUGHT,
  getConversation: { ok: true, item: ITEM, people: {} },
  getMessages: { ok: true, messages: [messageOf(2), messageOf(3)] },
};

/** Gaps of a state, asking someone who fails in these ways first. */
function begin(...failures: (Error | null)[]) {
  const end = new AbortController();
  const asked: string[] = [];
  const state = new State(ME);
  const ask = (async (event: string) => {
    asked.push(event);
    const failure = failures.shift();
    if (failure) throw failure;
    return GOOD[event];
  }) as unknown as Ask;
  const gaps = new Gaps(state, ask, () => {}, atOnce, end.signal);
  const filling = gaps.fill();
  return { asked, state, gaps, stop: () => (end.abort(), filling) };
}

test("after an absence it catches up, and then all is here", async () => {
  const { asked, gaps, stop } = begin();
  gaps.look();
  await gaps.filled.wait();
  expect(asked).toEqual(["sync"]);
  await stop();
});

test("a question that is lost is asked again", async () => {
  const { asked, gaps, stop } = begin(new Lost("gone"), new Lost("gone"));
  gaps.look();
  await gaps.filled.wait();
  expect(asked).toEqual(["sync", "sync", "sync"]);
  await stop();
});

test("what a conversation is is asked again when the answer was lost", async () => {
  const { asked, state, gaps, stop } = begin(null, new Lost("gone"));
  state.takeMessage(messageOf(1));
  gaps.look();
  await gaps.filled.wait();
  expect(asked).toEqual(["sync", "getConversation", "getConversation"]);
  expect(state.conversations.get(PLACE)?.seq).toBe(1);
  await stop();
});

test.each([new Lost("no answer came"), new Refused("rate_limited", "Slowly.")])(
  "what a conversation has become is asked again, though nobody was away: %s",
  async (failure) => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const { asked, state, gaps, stop } = begin(null, null, failure);
    state.takeMessage(messageOf(1));
    gaps.look();
    await gaps.filled.wait();
    state.takeMessage(messageOf(2, { system: { type: "groupUpdated", title: "Another" } }));
    gaps.look();
    await gaps.filled.wait();
    expect(asked).toEqual(["sync", "getConversation", "getConversation", "getConversation"]);
    await stop();
  },
);

test("a hole is filled", async () => {
  const { asked, state, gaps, stop } = begin();
  state.takeMessage(messageOf(1));
  gaps.look();
  await gaps.filled.wait();
  state.takeMessage(messageOf(3));
  gaps.look();
  await gaps.filled.wait();
  expect(asked).toEqual(["sync", "getConversation", "getMessages"]);
  expect(
    state.conversations
      .get(PLACE)
      ?.history()
      .map((each) => each.seq),
  ).toEqual([1, 2, 3]);
  await stop();
});

test("a conversation that is not there is forgotten", async () => {
  const { state, gaps, stop } = begin(null, new Refused("not_found", "There is none."));
  state.takeMessage(messageOf(1));
  gaps.look();
  await gaps.filled.wait();
  expect(state.conversations.size).toBe(0);
  await stop();
});

test("what is refused is asked for again later", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const { asked, gaps, stop } = begin(new Refused("rate_limited", "Slowly.", { retryAfterS: 2 }));
  gaps.look();
  await gaps.filled.wait();
  expect(asked).toEqual(["sync", "sync"]);
  expect(warn).toHaveBeenCalledOnce();
  await stop();
});
