/**
 * What people mean by `*bold*`, `_italic_`, `~struck~`, `` `code` ``, a link and an `@name`.
 *
 * The text becomes a tree of plain data: whoever draws it makes elements of the kinds below and text, so nothing that
 * somebody wrote is ever markup. An `href` is http, https or mailto, and nothing else. Time grows with the length of
 * the text alone, whatever it says.
 */

export type Style = "bold" | "italic" | "struck";

export type Piece =
  | { kind: "text"; text: string }
  | { kind: "code"; text: string }
  | { kind: "link"; text: string; href: string }
  | { kind: "mention"; text: string; name: string }
  | { kind: Style; pieces: Piece[] };

const STYLES: Record<string, Style> = { "*": "bold", _: "italic", "~": "struck" };
const SPECIAL = /```|[`*_~]|https?:\/\/|mailto:|www\.|@(?=[A-Za-z0-9_.-]{3})/gi;
const URL_PART = /[^\s<>"`]{1,2048}/y;
const NAME = /[A-Za-z0-9_.-]{3,32}/y;
const WORD = /[\p{L}\p{N}]/u;
const DEEPEST = 4;

/** The pieces of a text. `names`: lower-case usernames that may be mentioned; another `@word` is text. */
export function rich(text: string, names: ReadonlySet<string> = new Set()): Piece[] {
  return new Parser(text, names).pieces(0, text.length, 0);
}

/** What is said, without the marks: for where there is room for text alone. */
export function unmarked(text: string): string {
  return rich(text).map(textOf).join("");
}

const textOf = (piece: Piece): string => ("pieces" in piece ? piece.pieces.map(textOf).join("") : piece.text);

class Parser {
  /** Up to where a mark is known not to be closed: it is not looked for twice. */
  private readonly unclosed = new Map<string, number>();

  constructor(
    private readonly text: string,
    private readonly names: ReadonlySet<string>,
  ) {}

  pieces(from: number, to: number, depth: number): Piece[] {
    const found: Piece[] = [];
    let plain = from;
    let at = from;
    while (at < to) {
      SPECIAL.lastIndex = at;
      const match = SPECIAL.exec(this.text);
      if (!match || match.index >= to) break;
      const start = match.index;
      const next = this.piece(match[0].toLowerCase(), start, to, depth);
      if (!next) {
        at = start + match[0].length;
        continue;
      }
      if (start > plain) found.push({ kind: "text", text: this.text.slice(plain, start) });
      found.push(next.piece);
      at = plain = next.end;
    }
    if (to > plain) found.push({ kind: "text", text: this.text.slice(plain, to) });
    return found;
  }

  private piece(mark: string, at: number, to: number, depth: number): { piece: Piece; end: number } | null {
    if (mark === "`" || mark === "```") return this.code(mark, at, to);
    if (mark === "@") return this.mention(at, to);
    const style = STYLES[mark];
    if (style) return depth < DEEPEST ? this.styled(style, mark, at, to, depth) : null;
    return this.link(mark, at, to);
  }

  private code(mark: string, at: number, to: number): { piece: Piece; end: number } | null {
    const from = at + mark.length;
    const end = this.text.indexOf(mark, from);
    if (end < 0 || end + mark.length > to || end === from) return null;
    const text = this.text.slice(from, end);
    if (!text.trim() || (mark === "`" && text.includes("\n"))) return null;
    return {
      piece: { kind: "code", text: mark === "`" ? text : text.replace(/^\n|\n$/g, "") },
      end: end + mark.length,
    };
  }

  private styled(
    style: Style,
    mark: string,
    at: number,
    to: number,
    depth: number,
  ): { piece: Piece; end: number } | null {
    if (this.isWord(at - 1) || this.isSpace(at + 1) || this.text[at + 1] === mark) return null;
    const key = `${mark}${to}`;
    if (at < (this.unclosed.get(key) ?? -1)) return null;
    let end = at + 1;
    for (; end < to && this.text[end] !== "\n"; end++) {
      const closes = this.text[end] === mark && !this.isSpace(end - 1) && !this.isWord(end + 1) && end > at + 1;
      if (closes) {
        const inside = this.pieces(at + 1, end, depth + 1);
        return { piece: { kind: style, pieces: inside }, end: end + 1 };
      }
    }
    this.unclosed.set(key, end);
    return null;
  }

  private link(mark: string, at: number, to: number): { piece: Piece; end: number } | null {
    if (this.isWord(at - 1)) return null;
    URL_PART.lastIndex = at;
    const run = URL_PART.exec(this.text)?.[0] ?? "";
    const text = trimmed(run.slice(0, to - at));
    if (text.length <= mark.length) return null;
    const href = safeHref(mark === "www." ? `https://${text}` : text);
    return href ? { piece: { kind: "link", text, href }, end: at + text.length } : null;
  }

  private mention(at: number, to: number): { piece: Piece; end: number } | null {
    if (/[A-Za-z0-9_.-]/.test(this.text[at - 1] ?? " ")) return null;
    NAME.lastIndex = at + 1;
    const match = NAME.exec(this.text);
    // A name may end in a dot itself, and a sentence may end with a name.
    for (const name of match ? [match[0], match[0].replace(/[.-]+$/, "")] : []) {
      const end = at + 1 + name.length;
      if (end <= to && this.names.has(name.toLowerCase())) {
        return { piece: { kind: "mention", text: `@${name}`, name: name.toLowerCase() }, end };
      }
    }
    return null;
  }

  private isWord(index: number): boolean {
    return WORD.test(this.text[index] ?? " ");
  }

  private isSpace(index: number): boolean {
    return /\s/.test(this.text[index] ?? " ");
  }
}

/** Without what ends the sentence, and without a bracket that was opened before it. */
function trimmed(url: string): string {
  let end = url.length;
  let open = 0;
  for (const each of url) open += each === "(" ? 1 : each === ")" ? -1 : 0;
  for (; end > 0; end--) {
    const last = url[end - 1] ?? "";
    if (last === ")" && open < 0) open++;
    else if (!/[.,;:!?'*_~\]}’”]/.test(last)) break;
  }
  return url.slice(0, end);
}

/** The address, if following it can do no more than open a page or a letter. */
export function safeHref(url: string): string | null {
  try {
    const { protocol, href } = new URL(url);
    return protocol === "http:" || protocol === "https:" || protocol === "mailto:" ? href : null;
  } catch {
    return null;
  }
}
