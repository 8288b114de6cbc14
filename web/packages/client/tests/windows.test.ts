import { expect, test } from "vitest";
import { Window, type Read } from "../src/windows.js";
import type { MessageForm } from "../src/wire.js";
import { deferred, messageOf, PLACE } from "./fakes.js";

const LENGTH = 30;

/** A window around 15 whose further pages come when they are let go, as they were when they were asked for. */
async function opened() {
  const pages: (() => void)[] = [];
  let isSlow = false;
  const read: Read = async ({ before = LENGTH + 1, after, limit }) => {
    const seqs = Array.from({ length: LENGTH }, (_, index) => index + 1);
    const wanted =
      after === undefined ? seqs.filter((each) => each < before).slice(-limit) : seqs.slice(after, after + limit);
    const page = wanted.map((each) => messageOf(each));
    if (!isSlow) return page;
    const { promise, resolve } = deferred<void>();
    pages.push(resolve);
    await promise;
    return page;
  };
  const window = new Window(PLACE, read, () => {});
  await window.open(15, 4);
  isSlow = true;
  return { window, pages };
}

const at = (window: Window, seq: number) => window.messages.find((each) => each.seq === seq);
const edited = (seq: number): MessageForm => messageOf(seq, { content: "edited", rev: 1 });

test("a window has what is around a message, and goes on without a gap", async () => {
  const { window, pages } = await opened();
  const seqs = () => window.messages.map((each) => each.seq);
  expect(seqs()).toEqual([14, 15, 16, 17]);
  const both = Promise.all([window.older(3), window.newer(20)]);
  for (const arrive of pages) arrive();
  await both;
  expect(seqs()).toEqual(Array.from({ length: 20 }, (_, index) => 11 + index));
  expect([window.isAtStart, window.isAtEnd]).toEqual([false, true]);
});

test("what is heard while pages are on their way is in them, whichever comes first", async () => {
  const { window, pages } = await opened();
  const older = window.older(5);
  const newer = window.newer(5);
  pages[0]?.();
  await older;
  window.put(edited(12));
  window.put(edited(20));
  window.putOwn({ n: 1, conversation: PLACE, seq: 19, hidden: true });
  pages[1]?.();
  await newer;
  expect([at(window, 12)?.content, at(window, 20)?.content]).toEqual(["edited", "edited"]);
  expect(at(window, 19)?.hidden).toBe(true);
});

test("an earlier state of a message changes nothing", async () => {
  const { window } = await opened();
  window.put(edited(15));
  window.put(messageOf(15));
  expect(at(window, 15)?.content).toBe("edited");
});
