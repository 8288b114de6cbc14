/** A whole Fireside as a program of its own, on a free port and a folder of its own. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { register } from "../src/rest.js";

const ROOT = fileURLToPath(new URL("../../../../", import.meta.url));
const PYTHON = process.env["PYTHON"] ?? join(ROOT, ".venv/bin/python");
const ATTEMPTS = 1000;

export class Server {
  url = "";
  private process: ChildProcess | null = null;
  private log = "";
  private people = 0;

  private constructor(
    private readonly folder: string,
    private readonly port: number,
  ) {
    this.url = `http://127.0.0.1:${port}`;
  }

  static async start(): Promise<Server> {
    const probe = createServer().listen(0, "127.0.0.1");
    await once(probe, "listening");
    const { port } = probe.address() as AddressInfo;
    probe.close();
    const server = new Server(await mkdtemp(join(tmpdir(), "fireside-")), port);
    await server.run();
    return server;
  }

  async run(): Promise<void> {
    const env = {
      ...process.env,
      PYTHONPATH: join(ROOT, "src"),
      PORT: String(this.port),
      FIRESIDE_DATA_DIR: join(this.folder, "data"),
      FIRESIDE_BCRYPT_ROUNDS: "4",
      FIRESIDE_RATE_LIMITS: "off",
      FIRESIDE_LOG_LEVEL: "warning",
    };
    const started = spawn(PYTHON, ["-m", "fireside", "serve"], { env, cwd: this.folder });
    this.process = started;
    started.stderr.on("data", (said: Buffer) => (this.log += said.toString()));
    for (let attempt = 0; attempt < ATTEMPTS && started.exitCode === null; attempt++) {
      const isReady = await fetch(`${this.url}/readyz`).then(
        (response) => response.ok,
        () => false,
      );
      if (isReady) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`the server did not start:\n${this.log}`);
  }

  /** Ask it to end, or end it as a power cut would. */
  async stop(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    if (!this.process || this.process.exitCode !== null) return;
    const ended = once(this.process, "exit");
    this.process.kill(signal);
    await ended;
  }

  async close(): Promise<void> {
    await this.stop();
    await rm(this.folder, { recursive: true });
  }

  /** Somebody new. */
  async person(): Promise<{ id: string; token: string; username: string }> {
    const username = `person${this.people++}`;
    const { user, token } = await register(this.url, username, "correct horse battery", `${username}@example.org`);
    return { id: user._id, token, username };
  }
}
