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

function write(drafts: Drafts, place: string, text: string): void {
  drafts.set(place, text);
  drafts.save();
}

test("what is being written is there before it is written down", () => {
  const drafts = new Drafts("ann", storage);
  drafts.set("c1", "h");
  expect(drafts.get("c1")).toBe("h");
  expect(storage.length).toBe(0);
});

test("a draft outlives the page, and is its owner's alone", () => {
  write(new Drafts("ann", storage), "c1", "half a sent");
  expect(new Drafts("ann", storage).get("c1")).toBe("half a sent");
  expect(new Drafts("bob", storage).get("c1")).toBe("");
});

test("what is blank is no draft", () => {
  const drafts = new Drafts("ann", storage);
  write(drafts, "c1", "x");
  write(drafts, "c1", "  \n");
  expect(drafts.get("c1")).toBe("");
  expect(storage.getItem("fireside.drafts.ann")).toBe("{}");
});

test("two tabs keep each other's drafts", () => {
  const [one, other] = [new Drafts("ann", storage), new Drafts("ann", storage)];
  write(one, "c1", "from one");
  write(other, "c2", "from the other");
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
  write(drafts, "c1", "a");
  stop();
  write(drafts, "c1", "b");
  expect(heard).toBe(1);
});
