/** The line to the server: connects, comes back when the connection is lost, and asks what is to be asked. */

import type { Connect, Connection, Hear } from "./connection.js";
import { Lost, Refused, type RefusalBody } from "./errors.js";
import type { Ask } from "./gaps.js";
import { Gate } from "./gate.js";
import { Pauses, type Sleep } from "./pauses.js";

export const ANSWER_TIMEOUT_S = 20;

/**
 * What logging in gave, or a function that logs in, which is called again when the token has expired. Where that rejects
 * it is tried again after a pause, unless it is with a `Refused` that does not pass: that is the end.
 */
export type Token = string | (() => Promise<string>);

export type Status = "connecting" | "online" | "offline";

/** What a line needs. */
export interface LineOptions {
  server: string;
  token: Token;
  connect: Connect;
  hear: Hear;
  /** Called when there is a connection, each time. */
  came: () => void;
  /** Called when the status is another. */
  changed: () => void;
  sleep: Sleep;
  ended: AbortSignal;
}

export class Line {
  status: Status = "connecting";
  private readonly online: Gate;
  private readonly pauses = new Pauses();
  private pausing = new AbortController();
  private connection: Connection | null = null;
  private comeBackInS = 0;
  /** The last one that was given. */
  private token = "";
  private readonly unanswered = new Set<(error: Lost) => void>();

  constructor(private readonly its: LineOptions) {
    this.online = new Gate(its.ended);
    its.ended.addEventListener("abort", () => {
      this.pausing.abort();
      this.hangUp();
    });
  }

  /** Connect and stay so, to the end. Rejects with `Refused` where it is not let in any more. */
  async run(): Promise<void> {
    const { ended } = this.its;
    while (!ended.aborted) {
      let atLeastS = 0;
      try {
        this.become("connecting");
        await this.beConnected();
        atLeastS = this.comeBackInS;
        this.comeBackInS = 0;
      } catch (error) {
        if (error instanceof Refused && error.isPassing) atLeastS = error.retryAfterS;
        else if (!(error instanceof Lost)) throw error;
      } finally {
        this.hangUp();
        this.become("offline");
      }
      await this.pause(atLeastS);
    }
  }

  /** Do not wait any longer before the next attempt: the network is back, say. */
  reconnectNow(): void {
    this.pauses.reset();
    this.pausing.abort();
  }

  /** The network is gone: what is left of the connection would only notice after a while. */
  lose(): void {
    this.connection?.close();
  }

  /** The server stops, and asks to be called again no sooner than that. */
  leaveFor(seconds: number): void {
    this.comeBackInS = seconds;
  }

  readonly ask: Ask = async (event, form) => {
    await this.online.wait();
    const body = await this.answer(event, form);
    if (!body.ok) throw Refused.from(body as RefusalBody);
    return body as never;
  };

  /** Log in; the token. It is what is used until it is no good any more. */
  async logIn(): Promise<string> {
    const { token } = this.its;
    this.token = typeof token === "string" ? token : await token();
    return this.token;
  }

  /** Do something that needs a token; once more with another where the first is no good any more. */
  async withToken<T>(doing: (token: string) => Promise<T>): Promise<T> {
    const used = this.token || (await this.logIn());
    try {
      return await doing(used);
    } catch (error) {
      const isOver = error instanceof Refused && (error.code === "token_expired" || error.code === "unauthorized");
      if (!isOver || typeof this.its.token === "string") throw error;
      return doing(this.token && this.token !== used ? this.token : await this.logIn());
    }
  }

  private async beConnected(): Promise<void> {
    const { came, ended } = this.its;
    const connection = await this.connect();
    this.connection = connection;
    if (ended.aborted) return;
    this.pauses.reset();
    // What came while nobody listened is found by asking; what comes from now on is heard.
    this.become("online");
    this.online.set();
    came();
    await connection.lost;
  }

  /** A connection. A token that is no good any more is forgotten, where there is another to be had. */
  private async connect(): Promise<Connection> {
    const { server, token, connect, hear } = this.its;
    const used = this.token || (await this.renew());
    try {
      return await connect(server, used, hear);
    } catch (error) {
      if (!(error instanceof Refused) || error.isPassing || typeof token === "string") throw error;
      if (this.token === used) this.token = "";
      throw new Lost(error.error);
    }
  }

  private answer(event: string, form: unknown): Promise<{ ok?: boolean }> {
    const { connection } = this;
    if (!connection) return Promise.reject(new Lost("the connection is gone"));
    return new Promise((resolve, reject) => {
      const done = () => {
        clearTimeout(timer);
        this.unanswered.delete(lost);
      };
      const lost = (error: Lost) => {
        done();
        reject(error);
      };
      const timer = setTimeout(() => lost(new Lost("no answer came")), ANSWER_TIMEOUT_S * 1000);
      this.unanswered.add(lost);
      connection.call(event, form).then(
        (body) => {
          done();
          resolve(body as { ok?: boolean });
        },
        (error: unknown) => {
          done();
          reject(error);
        },
      );
    });
  }

  private hangUp(): void {
    this.online.clear();
    this.connection?.close();
    this.connection = null;
    for (const lost of [...this.unanswered]) lost(new Lost("the connection is gone"));
  }

  private async pause(atLeastS: number): Promise<void> {
    if (this.its.ended.aborted) return;
    this.pausing = new AbortController();
    await this.its.sleep(this.pauses.nextS(atLeastS), this.pausing.signal);
  }

  /** Log in again. What it fails with may pass, unless it is a refusal. */
  private async renew(): Promise<string> {
    try {
      return await this.logIn();
    } catch (error) {
      if (error instanceof Lost || error instanceof Refused) throw error;
      console.warn("the log-in failed", error);
      throw new Lost(String(error));
    }
  }

  private become(status: Status): void {
    if (this.status === status) return;
    this.status = status;
    this.its.changed();
  }
}
