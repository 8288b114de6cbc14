/** A connection to the server, from being accepted to being lost. It does not come back: the client makes another. */

import { io, type Socket } from "socket.io-client";
import { Lost, Refused, type RefusalBody } from "./errors.js";

export const CONNECT_TIMEOUT_S = 20;

/** Called with the name and the body of everything the server tells, in the order in which it comes. */
export type Hear = (event: string, body: unknown) => void;

/** What the client needs of one. */
export interface Connection {
  /** Resolves when it is gone. */
  readonly lost: Promise<void>;
  /** Asks; what the server acknowledges it with. Once the connection is lost nobody waits for that any more. */
  call(event: string, body: unknown): Promise<unknown>;
  /** Let it go: it is lost. */
  close(): void;
}

/** Connects to a server with a token. Rejects with `Lost` where there is none, `Refused` where it lets nobody in. */
export type Connect = (server: string, token: string, hear: Hear) => Promise<Connection>;

/** A connection by socket.io-client, whose own coming back is switched off. */
export class SocketIoConnection implements Connection {
  readonly lost: Promise<void>;

  private constructor(private readonly socket: Socket) {
    this.lost = new Promise((resolve) => socket.on("disconnect", () => resolve()));
  }

  static readonly open: Connect = (server, token, hear) => {
    const { origin, path } = addressOf(server);
    const socket = io(origin, {
      path,
      auth: { token },
      transports: ["websocket", "polling"],
      tryAllTransports: true,
      reconnection: false,
      forceNew: true,
      timeout: CONNECT_TIMEOUT_S * 1000,
      autoConnect: false,
    });
    socket.onAny(hear);
    const connection = new SocketIoConnection(socket);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => refuse(new Error("no answer came")), CONNECT_TIMEOUT_S * 2000);
      const refuse = (error: Error & { data?: RefusalBody }) => {
        clearTimeout(late);
        socket.disconnect();
        reject(error.data?.code === undefined ? new Lost(error.message) : Refused.from(error.data));
      };
      socket.on("connect", () => {
        clearTimeout(late);
        resolve(connection);
      });
      socket.on("connect_error", refuse);
      socket.connect();
      // It may end before it is accepted: by whoever is there, or by the browser, which knows that the network is gone. What
      // has come by then is heard first.
      socket.io.engine.once("close", (reason) => setTimeout(() => refuse(new Error(reason))));
    });
  };

  call(event: string, body: unknown): Promise<unknown> {
    return new Promise((resolve) => this.socket.emit(event, body, resolve));
  }

  close(): void {
    this.socket.disconnect();
  }
}

/** A server may live below a path. Without an address it is where the page came from. */
function addressOf(server: string): { origin: string | undefined; path: string } {
  const base = (globalThis as { location?: Location }).location?.href;
  if (!server && base === undefined) throw new TypeError("which server?");
  const url = new URL(server || "/", base);
  return { origin: url.origin, path: `${url.pathname.replace(/\/+$/, "")}/socket.io/` };
}
