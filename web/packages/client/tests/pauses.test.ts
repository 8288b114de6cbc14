import { expect, test } from "vitest";
import { LONGEST_S, Pauses, sleep } from "../src/pauses.js";

test("pauses grow, and have an end", () => {
  const pauses = new Pauses(1);
  const spans = Array.from({ length: 50 }, () => pauses.nextS());
  expect(Math.max(...spans)).toBeLessThanOrEqual(LONGEST_S);
  expect(Math.max(...spans)).toBeGreaterThan(1);
  expect(pauses.nextS(5)).toBeGreaterThanOrEqual(5);
});

test("after one has worked they are short again", () => {
  const pauses = new Pauses(1);
  for (let each = 0; each < 50; each++) pauses.nextS();
  pauses.reset();
  expect(pauses.nextS()).toBeLessThanOrEqual(1);
});

test("a sleep that is called off is over", async () => {
  const calledOff = new AbortController();
  const sleeping = sleep(1e6, calledOff.signal);
  calledOff.abort();
  await sleeping;
  await sleep(1e6, calledOff.signal);
});
