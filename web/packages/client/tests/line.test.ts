import { expect, test } from "vitest";
import { Refused } from "../src/errors.js";
import { Line, type Token } from "../src/line.js";
import { atOnce } from "./fakes.js";

function lineWith(token: Token): Line {
  const nothing = () => {};
  const connect = () => new Promise<never>(nothing);
  const ended = new AbortController().signal;
  return new Line({ server: "", token, connect, hear: nothing, came: nothing, changed: nothing, sleep: atOnce, ended });
}

/** Gives "1", then "2", and so on. */
function numbered(): () => Promise<string> {
  let given = 0;
  return async () => `${++given}`;
}

const unless = (good: string) => async (token: string) => {
  if (token !== good) throw new Refused("token_expired", "Log in again.");
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
