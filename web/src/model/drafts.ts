/**
 * What somebody has begun to write, by conversation. It survives the page, and other tabs see it in their lists; only
 * this device has it.
 */

const PREFIX = "fireside.drafts.";
const LONGEST_KEPT = 200;

export class Drafts {
  private texts: Record<string, string>;
  private readonly listeners = new Set<() => void>();
  private changes = 0;

  constructor(
    private readonly owner: string,
    private readonly storage: Storage = localStorage,
  ) {
    this.texts = this.read();
    globalThis.addEventListener?.("storage", (event) => {
      if (event.key === PREFIX + this.owner) this.replace(this.read());
    });
  }

  get(place: string): string {
    return this.texts[place] ?? "";
  }

  /** Blank text is no draft. */
  set(place: string, text: string): void {
    const { [place]: before, ...others } = this.read();
    if (before === undefined && !text.trim()) return;
    const kept = Object.entries(others).slice(1 - LONGEST_KEPT);
    this.replace(Object.fromEntries(text.trim() ? [...kept, [place, text]] : kept));
    try {
      this.storage.setItem(PREFIX + this.owner, JSON.stringify(this.texts));
    } catch {
      // The storage is full or closed: the draft lives as long as the page.
    }
  }

  forget(): void {
    this.storage.removeItem(PREFIX + this.owner);
    this.replace({});
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  /** Another one whenever a draft is. */
  readonly version = (): number => this.changes;

  private replace(texts: Record<string, string>): void {
    this.texts = texts;
    this.changes++;
    this.listeners.forEach((listener) => listener());
  }

  private read(): Record<string, string> {
    try {
      const found: unknown = JSON.parse(this.storage.getItem(PREFIX + this.owner) ?? "{}");
      const entries = typeof found === "object" && found !== null ? Object.entries(found) : [];
      return Object.fromEntries(entries.filter((entry): entry is [string, string] => typeof entry[1] === "string"));
    } catch {
      return this.texts ?? {};
    }
  }
}
