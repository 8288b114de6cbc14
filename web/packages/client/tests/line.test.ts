import { expect, test, vi } from "vitest";
import type { Connect } from "../src/connection.js";
import { Lost, Refused } from "../src/errors.js";
import { Line, type Token } from "../src/line.js";
import { FIRST_S } from "../src/pauses.js";
import { atOnce, deferred } from "./fakes.js";

const BUSY = new Refused("unavailable", "Later.", { retryAfterS: 70 });
const MANY = new Refused("rate_limited", "Slowly.");
const EXPIRED = new Refused("token_expired", "Log in again.");

function lineWith(token: Token): Line {
  const nothing = () => {};
  const connect = () => new Promise<never>(nothing);
  const ended = new AbortController().signal;
  return new Line({ server: "", token, connect, hear: nothing, came: nothing, changed: nothing, sleep: atOnce, ended });
}

/** Gives "1", then "2", and so on. What is said comes between the first and the second. */
function numbered(...failures: Error[]): () => Promise<string> {
  let given = 0;
  return async () => {
    const failure = given ? failures.shift() : undefined;
    if (failure) throw failure;
    return `${++given}`;
  };
}

/** Run a line until there is a connection; the first ones fail. The tokens that were used, and how long it paused. */
async function connected(token: Token, failures: Error[]): Promise<{ used: string[]; pauses: number[] }> {
  const [used, pauses, end]: [string[], number[], AbortController] = [[], [], new AbortController()];
  const connect: Connect = async (_, token) => {
    used.push(token);
    const failure = failures.shift();
    if (failure) throw failure;
    const { promise: lost, resolve: close } = deferred<void>();
    return { lost, close, call: () => lost };
  };
  const sleep = async (seconds: number) => void pauses.push(seconds);
  const [nothing, came] = [() => {}, () => end.abort()];
  const { signal: ended } = end;
  const line = new Line({ server: "", token, connect, hear: nothing, came, changed: nothing, sleep, ended });
  await line.logIn();
  await line.run();
  return { used, pauses };
}

const unless = (good: string) => async (token: string) => {
  if (token !== good) throw EXPIRED;
  return token;
};

test("a token is used until it is no good any more", async () => {
  const line = lineWith(numbered());
  await line.logIn();
  expect(await line.withToken(unless("1"))).toBe("1");
  expect(await line.withToken(unless("1"))).toBe("1");
  expect(await line.withToken(unless("2"))).toBe("2");
  expect(await line.withToken(unless("2"))).toBe("2");
});

test("a token that a connection was refused with meanwhile is no good for anything else", async () => {
  const end = new AbortController();
  const token = numbered();
  const refused = () => Promise.reject(EXPIRED);
  const nothing = () => {};
  const its = { server: "", token, connect: refused, hear: nothing, came: nothing, changed: nothing };
  const line = new Line({ ...its, sleep: async () => end.abort(), ended: end.signal });
  await line.logIn();
  const used: string[] = [];
  const answer = line.withToken(async (given) => {
    used.push(given);
    if (used.length === 1) await line.run();
    return unless("2")(given);
  });
  await expect(answer).resolves.toBe("2");
  expect(used).toEqual(["1", "2"]);
});

test("what is refused with another token, too, is refused", async () => {
  const line = lineWith(numbered());
  await line.logIn();
  await expect(line.withToken(unless("none"))).rejects.toThrow("Log in again.");
});

test("there is no other than a token that was given", async () => {
  const line = lineWith("1");
  await line.logIn();
  await expect(line.withToken(unless("2"))).rejects.toThrow(Refused);
});

test.each([["the only one"], [numbered()]])("a passing refusal is no reason for another token", async (token) => {
  const { used, pauses } = await connected(token, [BUSY, MANY, BUSY]);
  expect(new Set(used).size).toBe(1);
  expect(pauses.map((each) => each >= 70)).toEqual([true, false, true]);
});

test("a token that is no good any more is asked for until there is another", async () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
  const noLine = new TypeError("fetch failed");
  const { used, pauses } = await connected(numbered(new Lost("gone"), BUSY, noLine), [MANY, EXPIRED, BUSY]);
  expect(used).toEqual(["1", "1", "2", "2"]);
  expect(pauses.map((each) => each >= 70)).toEqual([false, false, false, true, false, true]);
  expect(pauses[0]).toBeLessThanOrEqual(FIRST_S);
  expect(warn).toHaveBeenCalledExactlyOnceWith("the log-in failed", noLine);
});

test("who can log in no more is not let in any more", async () => {
  const wrong = new Refused("invalid_credentials", "Another password.");
  await expect(connected(numbered(BUSY, wrong), [EXPIRED])).rejects.toBe(wrong);
  await expect(connected("the only one", [BUSY, EXPIRED])).rejects.toBe(EXPIRED);
});
