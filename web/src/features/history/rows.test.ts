import { expect, test } from "vitest";
import { around } from "./rows";

const said = (sender: string, minute: number, day = 27) => ({
  sender,
  timestamp: new Date(2026, 10, day, 12, minute).toISOString(),
});

test("what one person says within five minutes goes together", () => {
  expect(around(said("ann", 0), said("ann", 4), said("ann", 10))).toEqual({
    opensDay: false,
    opensGroup: false,
    closesGroup: true,
  });
  expect(around(said("bob", 0), said("ann", 1), said("ann", 2))).toEqual({
    opensDay: false,
    opensGroup: true,
    closesGroup: false,
  });
});

test("a new day stands apart, and so does the first message", () => {
  expect(around(said("ann", 59, 26), said("ann", 0), undefined)).toEqual({
    opensDay: true,
    opensGroup: true,
    closesGroup: true,
  });
  expect(around(undefined, said("ann", 0), undefined).opensDay).toBe(true);
});

test("what happened to a group belongs to nobody's words", () => {
  const happened = { ...said("ann", 1), system: { type: "memberLeft" as const, rev: 0 } };
  expect(around(said("ann", 0), happened, said("ann", 2))).toEqual({
    opensDay: false,
    opensGroup: true,
    closesGroup: true,
  });
});

test("the mark of what is unread parts what goes together", () => {
  expect(around(said("ann", 0), said("ann", 1), said("ann", 2), true).opensGroup).toBe(true);
  expect(around(said("ann", 0), said("ann", 1), said("ann", 2), false, true).closesGroup).toBe(true);
});
