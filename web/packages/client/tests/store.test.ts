import "fake-indexeddb/auto";
import { afterEach, describe, expect, test } from "vitest";
import { IndexedDbStore } from "../src/indexeddb.js";
import { outgoing } from "../src/outbox.js";
import { State } from "../src/state.js";
import { MemoryStore, type Store } from "../src/store.js";
import { BEN, ME, messageOf, PLACE } from "./fakes.js";

let names = 0;
const opened: Store[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

/** Stores of the same kind and name. */
const KINDS: Record<string, () => () => Store> = {
  MemoryStore: () => {
    const store = new MemoryStore();
    return () => store;
  },
  IndexedDbStore: () => {
    const name = `test-${names++}`;
    return () => new IndexedDbStore(name);
  },
};

async function open(make: () => Store): Promise<{ store: Store; state: State | null }> {
  const store = make();
  opened.push(store);
  const kept = await store.open(ME);
  return { store, state: kept && State.from(kept) };
}

/** A state in which something has happened. */
function lived(): State {
  const state = new State(ME);
  state.takeItem(
    {
      conversation: { _id: PLACE, kind: "direct", createdAt: "", members: [], memberCount: 2 },
      ...{ seq: 3, rev: 0, unread: 3, activeAt: "", flags: {}, receipts: [], changed: [], changedFrom: 0 },
      messages: [1, 2, 3].map((seq) => messageOf(seq)),
    },
    { [BEN]: "ben" },
  );
  state.takeEntry({ n: 1, conversation: PLACE, seq: 2, hidden: true });
  return state;
}

const contents = (state: State | null) =>
  state?.conversations
    .get(PLACE)
    ?.history()
    .map((each) => each.content);

describe.each(Object.entries(KINDS))("%s", (_, kind) => {
  test("is empty at first", async () => {
    expect((await open(kind())).state).toBeNull();
  });

  test("has what was written", async () => {
    const make = kind();
    const { store } = await open(make);
    const state = lived();
    await store.write(state.changes(), false);
    await store.close();
    const again = await open(make);
    expect(contents(again.state)).toEqual(["1", "", "3"]);
    expect(again.state?.people).toEqual({ [BEN]: "ben" });
    expect(again.state?.n).toBe(1);
    expect(again.state?.conversations.get(PLACE)?.kept()).toEqual(state.conversations.get(PLACE)?.kept());
  });

  test("has what was written later, and not what was let go of", async () => {
    const make = kind();
    const { store } = await open(make);
    const state = lived();
    await store.write(state.changes(), false);
    state.takeMessage(messageOf(4));
    const local = state.conversations.get(PLACE);
    if (local) state.forget(local, 2);
    const changes = state.changes();
    expect([...(changes.messages.get(PLACE)?.keys() ?? [])].sort()).toEqual([1, 2, 4]);
    await store.write(changes, false);
    await store.close();
    expect(contents((await open(make)).state)).toEqual(["3", "4"]);
  });

  test("has nothing of a conversation that is gone", async () => {
    const make = kind();
    const { store } = await open(make);
    const state = lived();
    await store.write(state.changes(), false);
    state.takeNothing({ kind: "item", conversation: PLACE });
    await store.write(state.changes(), false);
    await store.close();
    const kept = await make().open(ME);
    expect(kept?.conversations).toEqual([]);
    expect(kept?.messages).toEqual([]);
  });

  test("is written afresh", async () => {
    const make = kind();
    const { store } = await open(make);
    await store.write(lived().changes(), false);
    await store.write(new State(ME).changes(), true);
    await store.close();
    expect((await open(make)).state?.conversations.size).toBe(0);
  });

  test("keeps what is to be sent in order, until it is dropped", async () => {
    const make = kind();
    const { store } = await open(make);
    for (const each of ["3", "1", "2"]) await store.keep(outgoing(each, { to: BEN, clientId: each }));
    await store.drop("1");
    await store.close();
    const again = await open(make);
    expect((await again.store.outbox()).map((each) => each.clientId)).toEqual(["3", "2"]);
  });
});

test("a MemoryStore is of one user", async () => {
  const store = new MemoryStore();
  await store.write(lived().changes(), false);
  await expect(store.open(BEN)).rejects.toThrow("another user");
});

test("an IndexedDbStore that is erased has nothing", async () => {
  const store = new IndexedDbStore("erased");
  await store.open(ME);
  await store.write(lived().changes(), false);
  await store.keep(outgoing("1", { to: BEN }));
  await store.close();
  await store.erase(ME);
  expect(await store.open(ME)).toBeNull();
  expect(await store.outbox()).toEqual([]);
  await store.close();
});

test("of several tabs one leads, and the next one when it is gone", async () => {
  stubLocks();
  const [one, two] = [new IndexedDbStore("tabs"), new IndexedDbStore("tabs")];
  await one.open(ME);
  await two.open(ME);
  const { signal } = new AbortController();
  expect([one.isLeading, two.isLeading]).toEqual([true, false]);
  const leads = two.lead(signal);
  await two.keep(outgoing("1", { to: BEN }));
  expect((await one.outbox()).map((each) => each.content)).toEqual(["1"]);
  expect(two.isLeading).toBe(false);
  await one.close();
  await leads;
  expect(two.isLeading).toBe(true);
  await two.close();
});

/** Web Locks as far as they are used, where Node has none. */
function stubLocks(): void {
  const held = new Map<string, Promise<unknown>>();
  const request = async (name: string, options: LockOptions, use: (lock: object | null) => Promise<unknown>) => {
    if (options.ifAvailable && held.has(name)) return use(null);
    while (held.has(name)) await held.get(name);
    const using = use({});
    held.set(name, using);
    await using;
    held.delete(name);
  };
  const navigator = (globalThis as { navigator?: object }).navigator ?? {};
  Object.defineProperty(navigator, "locks", { value: { request }, configurable: true });
  Object.defineProperty(globalThis, "navigator", { value: navigator, configurable: true });
}
