import { beforeEach, expect, test } from "vitest";
import { Drafts } from "./drafts";

class Memory implements Storage {
  private readonly held = new Map<string, string>();
  get length() {
    return this.held.size;
  }
  clear = () => this.held.clear();
  getItem = (key: string) => this.held.get(key) ?? null;
  key = (index: number) => [...this.held.keys()][index] ?? null;
  removeItem = (key: string) => void this.held.delete(key);
  setItem = (key: string, value: string) => void this.held.set(key, value);
}

let storage: Memory;
beforeEach(() => {
  storage = new Memory();
});

test("a draft outlives the page, and is its owner's alone", () => {
  new Drafts("ann", storage).set("c1", "half a sent");
  expect(new Drafts("ann", storage).get("c1")).toBe("half a sent");
  expect(new Drafts("bob", storage).get("c1")).toBe("");
});

test("what is blank is no draft", () => {
  const drafts = new Drafts("ann", storage);
  drafts.set("c1", "x");
  drafts.set("c1", "  \n");
  expect(drafts.get("c1")).toBe("");
  expect(storage.getItem("fireside.drafts.ann")).toBe("{}");
});

test("two tabs keep each other's drafts", () => {
  const [one, other] = [new Drafts("ann", storage), new Drafts("ann", storage)];
  one.set("c1", "from one");
  other.set("c2", "from the other");
  expect(new Drafts("ann", storage).get("c1")).toBe("from one");
});

test("what cannot be read is no draft, and nothing breaks", () => {
  storage.setItem("fireside.drafts.ann", "{not json");
  expect(new Drafts("ann", storage).get("c1")).toBe("");
  storage.setItem("fireside.drafts.bob", JSON.stringify({ c1: { evil: true }, c2: "good" }));
  expect(new Drafts("bob", storage).get("c2")).toBe("good");
});

test("listeners hear of each change", () => {
  const drafts = new Drafts("ann", storage);
  let heard = 0;
  const stop = drafts.subscribe(() => heard++);
  drafts.set("c1", "a");
  stop();
  drafts.set("c1", "b");
  expect(heard).toBe(1);
});
