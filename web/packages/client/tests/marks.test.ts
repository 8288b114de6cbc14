import { expect, test } from "vitest";
import { Lost, Refused } from "../src/errors.js";
import { Marks } from "../src/marks.js";
import { atOnce } from "./fakes.js";

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
