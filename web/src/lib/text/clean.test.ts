import { expect, test } from "vitest";
import { isEmojiOnly, isolated, line, shown } from "./clean";

test("what turns the direction of text is taken out", () => {
  expect(shown("photo_\u202Egpj.exe")).toBe("photo_gpj.exe");
  expect(line("\u2067abc\u2069 \u202Ad\u202C")).toBe("abc d");
  expect(isolated("\u2069x\u202E")).toBe("\u2068x\u2069");
});

test("marks do not pile up", () => {
  const zalgo = `a${"\u0301".repeat(10_000)}b`;
  expect(shown(zalgo)).toBe(`a${"\u0301".repeat(8)}b`);
  expect(line(zalgo).length).toBeLessThan(20);
  expect(shown("नमस्ते é ❤️ 👩‍👩‍👧")).toBe("नमस्ते é ❤️ 👩‍👩‍👧");
});

test("a line is one line, and no longer than asked for", () => {
  expect(line("a\r\n\tb\u0000 c ")).toBe("a b c");
  expect(line("x".repeat(500), 10)).toBe(`${"x".repeat(10)}…`);
  expect(line("👍".repeat(500), 5)).not.toMatch(/[\uD800-\uDBFF](?![\uDC00-\uDFFF])/);
});

test("up to three emoji alone are emoji", () => {
  for (const text of ["👍", "👩‍👩‍👧 ❤️", "🇹🇷🇩🇪🇫🇷"]) expect(isEmojiOnly(text)).toBe(true);
  for (const text of ["", "1", "👍👍👍👍", "ok 👍"]) expect(isEmojiOnly(text)).toBe(false);
});
