import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import type { Plugin } from "vite";

interface Entry {
  unicode: string;
  label: string;
  tags?: string[];
  group?: number;
  order?: number;
}

const MODULE = "virtual:emoji";
/** The parts emoji are made of, such as skin tones: nobody sends one alone. */
const PARTS = 2;

/** Makes `virtual:emoji` of what the standard says, with no more of it than the picker shows: groups of [emoji, name, tags]. */
export function emoji(): Plugin {
  return {
    name: "emoji",
    resolveId: (id) => (id === MODULE ? `\0${MODULE}` : null),
    load(id) {
      if (id !== `\0${MODULE}`) return null;
      const path = createRequire(import.meta.url).resolve("emojibase-data/en/compact.json");
      const entries = JSON.parse(readFileSync(path, "utf8")) as Entry[];
      const groups: [string, string, string][][] = [];
      for (const { unicode, label, tags = [], group } of entries.sort(byOrder)) {
        if (group !== undefined && group !== PARTS) (groups[group] ??= []).push([unicode, label, tags.join(" ")]);
      }
      return `export default ${JSON.stringify(groups.filter(Boolean))}`;
    },
  };
}

const byOrder = (one: Entry, other: Entry) => (one.order ?? 0) - (other.order ?? 0);
