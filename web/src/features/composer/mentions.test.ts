import { expect, test } from "vitest";
import { askedFor, candidates, completed } from "./mentions";

test("an @ at the beginning of a word asks for names", () => {
  expect(askedFor("hi @an", 6)).toEqual({ start: "an", at: 3 });
  expect(askedFor("@", 1)).toEqual({ start: "", at: 0 });
  expect(askedFor("a@an", 4)).toBeNull();
  expect(askedFor("@an, what", 9)).toBeNull();
});

test("names that begin so come first", () => {
  expect(candidates(["joan", "ann", "bob", "Anders"], "an")).toEqual(["Anders", "ann", "joan"]);
  expect(candidates(["ann", "bob"], "Bob")).toEqual([]);
});

test("the name takes the place of what was typed of it", () => {
  expect(completed("hi @an you", { start: "an", at: 3 }, 6, "ann")).toEqual({ text: "hi @ann you", caret: 8 });
});
