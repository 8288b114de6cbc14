import fc from "fast-check";
import { expect, test } from "vitest";
import { rich, safeHref, type Piece } from "./rich";

const plain = (pieces: Piece[]): string =>
  pieces.map((piece) => ("pieces" in piece ? plain(piece.pieces) : piece.text)).join("");

const all = (pieces: Piece[]): Piece[] =>
  pieces.flatMap((piece) => [piece, ...("pieces" in piece ? all(piece.pieces) : [])]);

test("marks at the edges of words make styles", () => {
  expect(rich("a *bold* word")).toEqual([
    { kind: "text", text: "a " },
    { kind: "bold", pieces: [{ kind: "text", text: "bold" }] },
    { kind: "text", text: " word" },
  ]);
  expect(rich("_so_ ~not~ `x = *y*`").map((piece) => piece.kind)).toEqual(["italic", "text", "struck", "text", "code"]);
  expect(rich("*all _of_ it*")).toEqual([
    {
      kind: "bold",
      pieces: [
        { kind: "text", text: "all " },
        { kind: "italic", pieces: [{ kind: "text", text: "of" }] },
        { kind: "text", text: " it" },
      ],
    },
  ]);
});

test("marks inside words, beside spaces and over lines are text", () => {
  for (const text of ["snake_case_name", "2 * 3 * 4", "*a\nb*", "**", "* a*", "a*b*", "``", "`a\nb`", "_a_b"]) {
    expect(rich(text)).toEqual([{ kind: "text", text }]);
  }
});

test("links end where the address ends", () => {
  const links = (text: string) => all(rich(text)).flatMap((piece) => (piece.kind === "link" ? [piece.text] : []));
  expect(links("See https://example.org/a_b_c?x=1, or (http://example.org/(x)).")).toEqual([
    "https://example.org/a_b_c?x=1",
    "http://example.org/(x)",
  ]);
  expect(links("www.example.org and mailto:ann@example.org!")).toEqual(["www.example.org", "mailto:ann@example.org"]);
  expect(links("xhttps://example.org https:// javascript:alert(1) data:text/html,x")).toEqual([]);
});

test("those who may be mentioned are, and others are not", () => {
  const names = new Set(["ann", "bob.k"]);
  const mentions = (text: string) =>
    rich(text, names).flatMap((piece) => (piece.kind === "mention" ? [piece.text] : []));
  expect(mentions("@Ann and @bob.k. But not @cem, a@ann or @anna")).toEqual(["@Ann", "@bob.k"]);
  expect(mentions("ask @ann.")).toEqual(["@ann"]);
});

test("only pages and letters are linked to", () => {
  for (const url of [
    "javascript:alert(1)",
    "JaVaScRiPt:alert(1)",
    "data:text/html,x",
    "vbscript:x",
    "file:///etc/passwd",
    "//x",
  ]) {
    expect(safeHref(url)).toBeNull();
  }
  expect(safeHref("https://example.org")).toBe("https://example.org/");
});

const SNIPPETS = [
  "*",
  "_",
  "~",
  "`",
  "```",
  "https://",
  "http://a.b",
  "www.",
  "javascript:",
  "@ann",
  "<img onerror=x>",
  "(",
  ")",
  " ",
  "\n",
  "a",
  "é",
  "👍",
  "\u202E",
];
const hostile = fc.oneof(
  fc.string({ unit: "binary", maxLength: 200 }),
  fc.array(fc.constantFrom(...SNIPPETS), { maxLength: 60 }).map((parts) => parts.join("")),
);

test("whatever is said, nothing but text and the pieces there are comes out", () => {
  const kinds = new Set(["text", "code", "link", "mention", "bold", "italic", "struck"]);
  fc.assert(
    fc.property(hostile, (text) => {
      const pieces = rich(text, new Set(["ann"]));
      for (const piece of all(pieces)) {
        expect(kinds).toContain(piece.kind);
        if (piece.kind === "link") expect(["http:", "https:", "mailto:"]).toContain(new URL(piece.href).protocol);
      }
      // Nothing is said that was not written, and nothing goes missing but marks.
      const unmarked = (each: string) => each.replace(/[*_~`\n]/g, "");
      expect(unmarked(plain(pieces))).toBe(unmarked(text));
    }),
    { numRuns: 2_000 },
  );
});
