/** Whom somebody is about to mention: the `@` and the letters before the caret. */

const BEFORE_CARET = /(?:^|[^A-Za-z0-9_.-])@([A-Za-z0-9_.-]{0,32})$/;
const SHOWN = 6;

export interface Asked {
  /** What was typed of the name. */
  start: string;
  /** Where the `@` is. */
  at: number;
}

export function askedFor(text: string, caret: number): Asked | null {
  const match = BEFORE_CARET.exec(text.slice(0, caret));
  return match?.[1] === undefined ? null : { start: match[1], at: caret - match[1].length - 1 };
}

/** Who could be meant, those whose names begin so first. Nobody where the one who is meant is written out. */
export function candidates(names: readonly string[], start: string): string[] {
  const wanted = start.toLowerCase();
  const begins = (name: string) => name.toLowerCase().startsWith(wanted);
  const found = names
    .filter((name) => name.toLowerCase().includes(wanted))
    .sort((one, other) => Number(begins(other)) - Number(begins(one)) || one.localeCompare(other))
    .slice(0, SHOWN);
  return found.length === 1 && found[0]?.toLowerCase() === wanted ? [] : found;
}

/** The text with the name in it, and where the caret is then. */
export function completed(text: string, asked: Asked, caret: number, name: string): { text: string; caret: number } {
  const begun = `${text.slice(0, asked.at)}@${name} `;
  return { text: begun + text.slice(caret).replace(/^ /, ""), caret: begun.length };
}
