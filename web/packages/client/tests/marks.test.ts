import { expect, test } from "vitest";
import { Lost, Refused } from "../src/errors.js";
import { AT_ONCE, EVERY_S, Marks } from "../src/marks.js";
import type { Sleep } from "../src/pauses.js";
import { atOnce, deferred, rest } from "./fakes.js";

/** Marks that are told to someone who fails in these ways first. */
function begin(...failures: Error[]) {
  const told: string[] = [];
  const end = new AbortController();
  const tell = async (event: string, conversation: string, seq: number) => {
    told.push(`${event} ${conversation} ${seq}`);
    const failure = failures.shift();
    if (failure) throw failure;
  };
  const marks = new Marks(tell, atOnce, end.signal);
  const running = marks.run();
  return { told, marks, stop: () => (end.abort(), running) };
}

test("of several marks the last one is told, once", async () => {
  const { told, marks, stop } = begin();
  for (const seq of [1, 3, 2]) marks.move("markRead", "red", seq);
  marks.move("markDelivered", "red", 4);
  await marks.told.wait();
  marks.move("markRead", "red", 3);
  expect(marks.told.isSet).toBe(true);
  expect(told).toEqual(["markRead red 3", "markDelivered red 4"]);
  await stop();
});

test("what did not arrive is told again", async () => {
  const { told, marks, stop } = begin(new Lost("gone"), new Refused("unavailable", "Later."));
  marks.move("markRead", "red", 1);
  await marks.told.wait();
  expect(told).toEqual(Array(3).fill("markRead red 1"));
  await stop();
});

test("what is refused for good is not", async () => {
  const { told, marks, stop } = begin(new Refused("not_found", "There is none."));
  marks.move("markRead", "red", 1);
  await marks.told.wait();
  expect(told).toEqual(["markRead red 1"]);
  await stop();
});

/** Marks that are told to someone who answers when told to, and what was told. */
function waiting() {
  const told: string[] = [];
  const answers: (() => void)[] = [];
  const end = new AbortController();
  const tell = (event: string, conversation: string) => {
    told.push(`${event} ${conversation}`);
    const { promise, resolve } = deferred<void>();
    answers.push(() => resolve());
    return promise;
  };
  const marks = new Marks(tell, atOnce, end.signal);
  void marks.run();
  return { told, answers, marks, stop: () => end.abort() };
}

test("a few are told at once, of no conversation two, and what was read before what was delivered", async () => {
  const { told, answers, marks, stop } = waiting();
  for (let each = 0; each < 2 * AT_ONCE; each++) marks.move("markDelivered", `place ${each}`, 1);
  await rest();
  expect(told).toHaveLength(AT_ONCE);
  marks.move("markRead", "place 0", 1);
  marks.move("markRead", "place 30", 1);
  answers[1]?.();
  await rest();
  expect(told.slice(AT_ONCE)).toEqual(["markRead place 30"]);
  answers[0]?.();
  await rest();
  expect(told.slice(AT_ONCE)).toEqual(["markRead place 30", "markRead place 0"]);
  for (let each = 0; each < 2 * AT_ONCE + 2; each++) {
    answers[each]?.();
    await rest();
  }
  await marks.told.wait();
  expect(new Set(told).size).toBe(2 * AT_ONCE + 2);
  stop();
});

test("where it is too much all of them wait as long as the server says", async () => {
  const told: string[] = [];
  const slept: number[] = [];
  const end = new AbortController();
  let isTooMuch = true;
  const tell = async (_event: string, conversation: string) => {
    told.push(conversation);
    await atOnce(0, end.signal);
    if (isTooMuch) throw new Refused("rate_limited", "Slowly.", { retryAfterS: 2 });
  };
  const sleep: Sleep = (seconds, ended) => {
    slept.push(seconds);
    isTooMuch = false;
    return atOnce(seconds, ended);
  };
  const marks = new Marks(tell, sleep, end.signal);
  void marks.run();
  for (let each = 0; each < 100; each++) marks.move("markDelivered", `place ${each}`, 1);
  await marks.told.wait();
  expect(told).toHaveLength(AT_ONCE + 100);
  await rest();
  expect(slept.slice(0, 2)).toEqual([2, EVERY_S]);
  end.abort();
});
