import { beforeEach, expect, test } from "vitest";
import { LocalConversation } from "../src/local.js";
import type { ItemForm } from "../src/wire.js";
import { BEN, ME, messageOf, PLACE } from "./fakes.js";

const ITEM: ItemForm = {
  conversation: { _id: PLACE, kind: "direct", createdAt: "", members: [], memberCount: 2 },
  ...{ seq: 2, rev: 0, unread: 2, activeAt: "", flags: {}, receipts: [], changed: [], changedFrom: 0 },
  messages: [messageOf(1), messageOf(2)],
};
let local: LocalConversation;

beforeEach(() => {
  local = new LocalConversation(PLACE, ME);
  local.takeItem(ITEM);
});

const contents = () => local.history().map((each) => each.content);
const edited = (content: string, rev: number) => messageOf(1, { content, rev });

test("an earlier state of a message that comes late changes nothing", () => {
  local.takeChange(2, edited("twice", 2));
  local.takeChange(1, edited("once", 1));
  local.takeMessage(messageOf(1));
  expect(contents()).toEqual(["twice", "2"]);
});

test("an earlier state changes nothing, also of a message that is hidden", () => {
  local.takeChange(1, edited("once", 1));
  local.takeOwn({ n: 1, conversation: PLACE, seq: 1, hidden: true });
  local.takeMessage(messageOf(1));
  expect(local.messages.get(1)).toMatchObject({ rev: 1, hidden: true });
});

test("what comes hidden from before it was shown again is asked for", () => {
  local.takeOwn({ n: 1, conversation: PLACE, seq: 1, hidden: true });
  local.takeOwn({ n: 2, conversation: PLACE, seq: 1, hidden: false });
  const before = messageOf(1, { content: "", hidden: true, rev: 1 });
  local.takeChanges([before], 1);
  expect([...local.bare]).toEqual([1]);
  local.takePage([before], 0);
  expect([...local.bare]).toEqual([1]);
  local.takePage([edited("once", 1)], 0);
  expect([contents(), [...local.bare]]).toEqual([["once", "2"], []]);
});

test("what is shown again is asked for until it is as it is now", () => {
  local.takeOwn({ n: 1, conversation: PLACE, seq: 1, hidden: true });
  local.takeChange(1, edited("once", 1));
  local.takeOwn({ n: 2, conversation: PLACE, seq: 1, hidden: false });
  local.takePage([messageOf(1)], 0);
  expect([...local.bare]).toEqual([1]);
  local.takePage([edited("once", 1)], 0);
  expect([contents(), [...local.bare]]).toEqual([["once", "2"], []]);
});

test("changes are known up to the first that was lost, and from there to the last is missing", () => {
  local.takeChange(1, edited("once", 1));
  local.takeChange(3, edited("three times", 3));
  expect([local.rev, local.lastRev]).toEqual([1, 3]);
  local.takeChanges([edited("three times", 3)], 3);
  expect([local.rev, local.lastRev]).toEqual([3, 3]);
});

test("what comes after a gap is here, and seen when the gap is filled", () => {
  local.takeMessage(messageOf(4));
  expect([contents(), local.lastSeq]).toEqual([["1", "2"], 4]);
  local.takePage([messageOf(3)], 2);
  expect(contents()).toEqual(["1", "2", "3", "4"]);
});

test("who sends has read", () => {
  local.takeMessage(messageOf(3, { sender: ME }));
  expect([local.unread, local.read]).toEqual([0, 3]);
});

test("how far it goes is told without a message", () => {
  local.takeItem({ ...ITEM, receipts: [{ user: BEN, delivered: 2, read: 1 }] });
  local.isStale = false;
  local.takeHead({ conversation: PLACE, seq: 5, rev: 2, receipts: 3 });
  expect([local.lastSeq, local.lastRev, local.isStale]).toEqual([5, 2, false]);
  local.takeHead({ conversation: PLACE, seq: 5, rev: 2, receipts: 4 });
  expect(local.isStale).toBe(true);
});

test("the history is the same array as long as it has the same in it", () => {
  const before = local.history();
  local.takeReceipts([{ user: BEN, delivered: 1, read: 1 }]);
  expect(local.history()).toBe(before);
  local.takeChange(1, edited("once", 1));
  expect(local.history()).not.toBe(before);
});
