/** State + events equals a fresh fetch: whatever is told, in whatever order, whatever is lost, late or told twice. */

import fc from "fast-check";
import { expect, test } from "vitest";
import { State, type Missing } from "../src/state.js";
import { BEN, ME } from "./fakes.js";
import { Server, type Told } from "./server.js";

const RUNS = Number(process.env["FIRESIDE_PROPERTY_RUNS"] ?? 300);
const PLACES = ["red", "green"];

/** Something happens, and becomes of what is told of it; then somebody asks for what is missing, or reads. */
interface Step {
  what: "say" | "answer" | "edit" | "delete" | "read" | "theirs" | "hide" | "show" | "ask" | "older" | "heads" | "keep";
  place: number;
  at: number;
  fate: "heard" | "lost" | "late" | "twice";
}

const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom(
    ...(["say", "say", "answer", "edit", "delete", "read", "theirs", "hide", "show"] as const),
    ...(["ask", "ask", "older", "heads", "keep"] as const),
  ),
  place: fc.nat(PLACES.length - 1),
  at: fc.nat(7),
  fate: fc.constantFrom("heard", "heard", "lost", "late", "twice"),
});

class Device {
  readonly state = new State(ME);
  /** What is still on its way, in any order. */
  private readonly late: (() => void)[] = [];

  constructor(private readonly server: Server) {}

  take({ what, place, at, fate }: Step): void {
    const id = PLACES[place] ?? "";
    const told = this.happen(what, id, at);
    if (told) this.deliver(fate, () => this.state.hear(told.event, told.body));
    if (what === "ask") for (const each of this.state.missing()) this.ask(each, fate);
    if (what === "older") this.older(id);
    const local = this.state.conversations.get(id);
    if (what === "keep" && local) this.state.forget(local, 1 + at);
    // What is late comes at some time, the last first or the first.
    if (this.late.length > at) (at % 2 ? this.late.pop() : this.late.shift())?.();
  }

  /** Everything is well again. Nobody was away, so what was lost shows by the numbers alone: by `heads`. */
  end(): void {
    for (const each of this.late.splice(0)) each();
    this.settle();
    const heads = this.server.heads();
    this.state.hear(heads.event, heads.body);
    this.settle();
    for (const id of PLACES) while (this.older(id)) this.settle();
    this.settle();
  }

  /** All that is missing is asked for, and answered. */
  settle(): void {
    for (let round = 0; round < 200; round++) {
      const missing = this.state.missing();
      if (!missing.length) return;
      for (const each of missing) this.server.answer(this.state, each)();
    }
    throw new Error(`it asks for ever: ${JSON.stringify(this.state.missing())}`);
  }

  private happen(what: Step["what"], id: string, at: number): Told | null {
    switch (what) {
      case "say":
        return this.server.say(id, BEN);
      case "answer":
        return this.server.say(id, ME);
      case "edit":
        return this.server.change(id, at, "messageEdited");
      case "delete":
        return this.server.change(id, at, "messageDeleted");
      case "read":
        return this.server.read(id, ME, at);
      case "theirs":
        return this.server.read(id, BEN, at);
      case "hide":
        return this.server.note(id, at, true);
      case "show":
        return this.server.note(id, at, false);
      case "heads":
        return this.server.heads();
      default:
        return null;
    }
  }

  private deliver(fate: Step["fate"], hand: () => void): void {
    if (fate === "late") this.late.push(hand);
    else if (fate !== "lost") hand();
    if (fate === "twice") hand();
  }

  private ask(missing: Missing, fate: Step["fate"]): void {
    if (fate === "lost") return this.state.unanswered(missing);
    this.deliver(fate === "twice" ? "heard" : fate, this.server.answer(this.state, missing));
  }

  private older(id: string): boolean {
    const local = this.state.conversations.get(id);
    if (!local?.about || local.isWhole) return false;
    this.state.takeOlder(local, this.server.older(id, local.first), local.rev);
    return true;
  }
}

function shown(state: State): unknown {
  return Array.from(state.conversations.values())
    .filter((each) => each.seq > 0)
    .map(({ id, seq, rev, unread, receipts, own, ...local }) => {
      const said = [...own.values()].map(({ seq, hidden = false }) => [seq, hidden]);
      const got = [...receipts.values()].map(({ user, delivered = 0, read = 0 }) => [user, delivered, read]);
      const about = local.about?._id;
      const messages = [...local.messages.values()].sort((one, other) => one.seq - other.seq);
      return { id, about, seq, rev, unread, messages, got: got.sort(), said: said.sort() };
    })
    .sort((one, other) => (one.id < other.id ? -1 : 1));
}

test("a device ends with what a fresh one gets", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const server = new Server();
      const device = new Device(server);
      for (const each of steps) device.take(each);
      device.end();
      const fresh = new Device(server);
      fresh.end();
      expect(shown(device.state)).toEqual(shown(fresh.state));
    }),
    { numRuns: RUNS },
  );
});

test("a device that is written down and read again is the same", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const server = new Server();
      const device = new Device(server);
      for (const each of steps) device.take(each);
      const { state, conversations, messages } = structuredClone(device.state.changes());
      const kept = {
        state,
        conversations: [...conversations.values()].filter((each) => each !== null),
        messages: [...messages.values()].flatMap((each) => [...each.values()]).filter((each) => each !== null),
      };
      const again = State.from(kept);
      expect(shown(again)).toEqual(shown(device.state));
      expect([...again.conversations.keys()]).toEqual([...device.state.conversations.keys()]);
      expect(again.sync()).toEqual(device.state.sync());
    }),
    { numRuns: RUNS },
  );
});

test("what has changed while older messages were on their way is asked for again", () => {
  const server = new Server();
  const device = new Device(server);
  for (let each = 0; each < 8; each++) server.say("red", BEN);
  device.settle();
  const local = device.state.conversations.get("red");
  if (!local) throw new Error("it is not there");
  const [page, rev] = [server.older("red", local.first), local.rev];
  const told = server.change("red", local.first - 2, "messageEdited");
  if (told) device.state.hear(told.event, told.body);
  expect(device.state.missing()).toEqual([]);
  device.state.takeOlder(local, page, rev);
  expect(device.state.missing()).toMatchObject([{ kind: "changes", conversation: "red", after: 0 }]);
});

test("who is away again while they ask is still behind", () => {
  const server = new Server();
  const device = new Device(server);
  const [missing] = device.state.missing();
  if (!missing) throw new Error("nothing is missing");
  const answer = server.answer(device.state, missing);
  device.state.absences++;
  answer();
  expect(device.state.missing()).toMatchObject([{ kind: "sync" }]);
  device.settle();
  expect(device.state.isBehind).toBe(false);
});

test("what was being asked when it was written down is asked for again", () => {
  const server = new Server();
  const device = new Device(server);
  server.say("red", BEN);
  device.settle();
  const local = device.state.conversations.get("red");
  device.state.takeReceipts({ conversation: "red", receipts: [] });
  if (local) local.isStale = true;
  expect(device.state.missing()).toEqual([{ kind: "item", conversation: "red" }]);
  const { state, conversations } = device.state.changes();
  const kept = { state, conversations: [...conversations.values()].filter((each) => each !== null), messages: [] };
  expect(State.from(structuredClone(kept)).missing()).toEqual([{ kind: "item", conversation: "red" }]);
});

test("what is still hidden though it was shown again may be so by a line that was lost", () => {
  const server = new Server();
  const device = new Device(server);
  server.say("red", BEN);
  device.settle();
  for (const hidden of [true, false]) {
    const told = server.note("red", 0, hidden);
    if (told) device.state.hear(told.event, told.body);
  }
  server.note("red", 0, true);
  device.settle();
  expect([device.state.n, device.state.conversations.get("red")?.messages.get(1)?.hidden]).toEqual([3, true]);
});

test("of what catching up brought nothing is asked again", () => {
  const server = new Server();
  for (const id of PLACES) server.say(id, BEN);
  const state = new State(ME);
  state.absences = 1;
  for (const each of state.missing()) server.answer(state, each)();
  expect(state.conversations.size).toBe(2);
  expect(state.missing()).toEqual([]);
});

test("versions grow with each change", () => {
  const server = new Server();
  const state = new State(ME);
  const told = server.say("red", BEN);
  state.hear(told.event, told.body);
  const [version, local] = [state.version, state.conversations.get("red")];
  const before = local?.version ?? 0;
  state.hear(told.event, told.body);
  expect(state.version).toBeGreaterThan(version);
  expect(local?.version).toBeGreaterThan(before);
});

test("of each conversation the last in which something happened is the last", () => {
  const server = new Server();
  const state = new State(ME);
  for (const id of ["red", "green", "red"]) {
    const told = server.say(id, BEN);
    state.hear(told.event, told.body);
  }
  expect([...state.conversations.keys()]).toEqual(["green", "red"]);
});

test("what is not kept is passed over", () => {
  const state = new State(ME);
  state.hear("toString", {});
  state.hear("somethingNew", { conversation: "red" });
  expect(state.conversations.size).toBe(0);
});
