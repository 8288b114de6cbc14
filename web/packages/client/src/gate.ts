/** Something to wait for that can be so, and not be so, again and again. */
export class Gate {
  private open: boolean;
  private readonly waiting = new Set<() => void>();

  /** When `ended` comes nobody waits any longer; whoever did looks at `ended`. */
  constructor(
    private readonly ended: AbortSignal,
    open = false,
  ) {
    this.open = open;
    ended.addEventListener("abort", () => this.letAllGo());
  }

  get isSet(): boolean {
    return this.open;
  }

  set(): void {
    this.open = true;
    this.letAllGo();
  }

  clear(): void {
    this.open = false;
  }

  wait(): Promise<void> {
    if (this.open || this.ended.aborted) return Promise.resolve();
    return new Promise((resolve) => this.waiting.add(resolve));
  }

  private letAllGo(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const go of waiting) go();
  }
}
