/** The connection is gone, or there was none to be had. What became of what was under way is not known. */
export class Lost extends Error {
  override readonly name = "Lost";
}

/** What a refusal says, on either wire. */
export interface RefusalBody {
  code?: unknown;
  error?: unknown;
  details?: Record<string, unknown> | null;
}

/** The server says no. `code` is stable; `error` is for people. */
export class Refused extends Error {
  override readonly name = "Refused";

  constructor(
    readonly code: string,
    readonly error: string,
    readonly details: Record<string, unknown> = {},
  ) {
    super(error);
  }

  /** What a refusal says, as an error. */
  static from(body: RefusalBody): Refused {
    return new Refused(String(body.code ?? "unknown"), String(body.error ?? ""), body.details ?? {});
  }

  /** Whether the same may be asked again. */
  get isPassing(): boolean {
    return this.code === "rate_limited" || this.code === "unavailable";
  }

  /** When, where the server says so. */
  get retryAfterS(): number {
    return Number(this.details["retryAfterS"] ?? 0) || 0;
  }
}
