import { expect, test } from "vitest";
import { clock, dayOf, dayTitle, lastSeen, listTime } from "./dates";

const at = (...parts: [number, number, number, number?, number?]) => new Date(...parts).getTime();
const NOW = at(2026, 10, 27, 12, 0);

test("a day has the name it has today", () => {
  expect(dayTitle(at(2026, 10, 27, 0, 1), NOW)).toBe("Today");
  expect(dayTitle(at(2026, 10, 26, 23, 59), NOW)).toBe("Yesterday");
  expect(dayTitle(at(2026, 10, 24), NOW)).toBe("Tuesday");
  expect(dayTitle(at(2026, 2, 3), NOW)).toContain("March");
  expect(dayTitle(at(2026, 2, 3), NOW)).not.toContain("2026");
  expect(dayTitle(at(2021, 2, 3), NOW)).toContain("2021");
});

test("a list says as much of a time as it has room for", () => {
  expect(listTime(at(2026, 10, 27, 9, 42), NOW)).toBe(clock(at(2026, 10, 27, 9, 42)));
  expect(listTime(at(2026, 10, 26, 9, 42), NOW)).toBe("Yesterday");
  expect(listTime(at(2026, 10, 23), NOW)).toBe("Mon");
  expect(listTime(at(2021, 2, 3), NOW)).toContain("21");
});

test("days are counted from midnight to midnight, here", () => {
  expect(dayOf(at(2026, 10, 27, 0, 0)) - dayOf(at(2026, 10, 26, 23, 59))).toBe(1);
  // The night the clocks change has another length, and is one night all the same.
  expect(dayOf(at(2026, 9, 26)) - dayOf(at(2026, 9, 25))).toBe(1);
});

test("being there is told in words", () => {
  expect(lastSeen(NOW - 20_000, NOW)).toBe("here a moment ago");
  expect(lastSeen(NOW - 60_000, NOW)).toBe("here 1 minute ago");
  expect(lastSeen(NOW - 5 * 60_000, NOW)).toBe("here 5 minutes ago");
  expect(lastSeen(at(2026, 10, 26, 9, 0), NOW)).toContain("yesterday");
});
