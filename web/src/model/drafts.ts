/**
 * What somebody has begun to write, by conversation. It survives the page, and other tabs see it in their lists; only
 * this device has it. It is written down when the fingers rest.
 */

const PREFIX = "fireside.drafts.";
const LONGEST_KEPT = 200;
const REST_MS = 300;

export class Drafts {
  private texts: Record<string, string>;
  /** What is not written down yet. */
  private readonly unsaved = new Map<string, string>();
  private timer: ReturnType<typeof setTimeout> | undefined;
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
    globalThis.addEventListener?.("pagehide", () => this.save());
  }

  get(place: string): string {
    return this.unsaved.get(place) ?? this.texts[place] ?? "";
  }

  /** Blank text is no draft. */
  set(place: string, text: string): void {
    if (text.trim() === "" && this.get(place) === "") return;
    this.unsaved.set(place, text.trim() ? text : "");
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.save(), REST_MS);
  }

  /** Write down what is not yet. */
  save(): void {
    clearTimeout(this.timer);
    if (this.unsaved.size === 0) return;
    // Another tab may have written meanwhile.
    const texts = new Map(Object.entries(this.read()));
    for (const [place, text] of this.unsaved) {
      texts.delete(place);
      if (text) texts.set(place, text);
    }
    this.unsaved.clear();
    this.replace(Object.fromEntries([...texts].slice(-LONGEST_KEPT)));
    try {
      this.storage.setItem(PREFIX + this.owner, JSON.stringify(this.texts));
    } catch {
      // The storage is full or closed: the draft lives as long as the page.
    }
  }

  forget(): void {
    clearTimeout(this.timer);
    this.unsaved.clear();
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
