/** A connection, by a server that is not one. */

import { createHash } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { SocketIoConnection } from "../src/connection.js";
import { Lost } from "../src/errors.js";

const OPEN = '0{"sid":"x","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000}';

/** The answer to a WebSocket's handshake (RFC 6455, section 4.2.2). */
function accepting(key: string): string {
  const accept = createHash("sha1").update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest("base64");
  const upgrade = "Upgrade: websocket\r\nConnection: Upgrade";
  return `HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`;
}

/** A short text (section 5.2). */
const frame = (text: string) => Buffer.concat([Buffer.from([0x81, text.length]), Buffer.from(text)]);

test("one that ends before it is accepted is lost at once", async () => {
  const http = createServer();
  http.on("upgrade", (request, socket) => {
    socket.write(accepting(String(request.headers["sec-websocket-key"])));
    socket.write(frame(OPEN));
    socket.once("data", () => socket.destroy());
  });
  await new Promise<void>((resolve) => http.listen(0, "127.0.0.1", resolve));
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;
  await expect(SocketIoConnection.open(url, "a token", () => {})).rejects.toThrow(Lost);
  await new Promise((resolve) => http.close(resolve));
});
