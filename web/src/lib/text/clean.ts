/**
 * Text that other people wrote, made harmless to look at. What is stored stays as it came: this is for showing alone.
 *
 * Directional overrides and embeddings let a text say one thing and look like another (`photo_‮gpj.exe`); isolates
 * do no harm inside an element that isolates its text. Combining marks stack without end: a handful a letter is more
 * than any script needs.
 */

import { unmarked } from "./rich";

const OVERRIDES = /[\u202A-\u202E]/g;
const DIRECTIONS = /[\u202A-\u202E\u2066-\u2069]/g;
// What a line has no use for; tabs and line feeds are text.
// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000B-\u001F\u007F-\u009F]/g;
const STACKED = /(\p{M}{8})\p{M}+/gu;

/** The text of a message, of as many lines as it has. */
export function shown(text: string): string {
  return text.replace(/\r\n?/g, "\n").replace(CONTROLS, "").replace(OVERRIDES, "").replace(STACKED, "$1");
}

/** One line: a title, a name, the beginning of a message. Cut to `longest` characters. */
export function line(text: string, longest = 200): string {
  const flat = shown(text.slice(0, longest * 8))
    .replace(DIRECTIONS, "")
    .replace(/\s+/g, " ")
    .trim();
  return flat.length > longest ? `${flat.slice(0, longest).replace(/[\uD800-\uDBFF]$/, "")}…` : flat;
}

/** The beginning of a message, without its marks. */
export function gist(text: string, longest = 200): string {
  return line(unmarked(text.slice(0, longest * 8)), longest);
}

/** Set off, so that its direction turns nothing around it. */
export function isolated(text: string): string {
  return `\u2068${line(text)}\u2069`;
}

// `\p{RGI_Emoji}` says it better, and takes a second to compile.
const EMOJI_ONLY =
  /^(?:(?:\p{Extended_Pictographic}|\p{Regional_Indicator}{2})(?:\uFE0F|\p{Emoji_Modifier}|\u200D\p{Extended_Pictographic})*\s?){1,3}$/u;

/** Whether a text is nothing but up to three emoji: those are shown large. */
export function isEmojiOnly(text: string): boolean {
  return text.length <= 64 && EMOJI_ONLY.test(text.trim());
}
