// Makes src/wire.ts from the JSON Schema that `python -m tests.client.wire` prints.

import { writeFile } from "node:fs/promises";
import { text } from "node:stream/consumers";
import { compile } from "json-schema-to-typescript";
import { format } from "prettier";

const schema = JSON.parse(await text(process.stdin));
const digest = schema["x-digest"];
const head = `/**
 * The forms of the wire, made from the server's models: \`npm run wire\` says how. Not to be edited.
 *
 * digest: ${digest}
 */`;

// What refers to a form and says more of it, or of a number how great it may be, is of that form all the same.
function plain(node) {
  if (Array.isArray(node)) return node.map(plain);
  if (node === null || typeof node !== "object") return node;
  if (typeof node.$ref === "string") return { $ref: node.$ref };
  if (node.type === "array") return { ...node, items: plain(node.items) };
  if (node.oneOf) return { ...node, type: undefined };
  return Object.fromEntries(Object.entries(node).map(([key, each]) => [key, plain(each)]));
}

const defs = plain(schema.$defs);
const root = {
  $defs: defs,
  type: "object",
  properties: Object.fromEntries(Object.keys(defs).map((name) => [name, { $ref: `#/$defs/${name}` }])),
  additionalProperties: false,
};
const made = await compile(root, "Root", {
  additionalProperties: false,
  bannerComment: head,
  ignoreMinAndMaxItems: true,
  format: false,
  unknownAny: true,
});
const types = made.replace(/export interface Root \{[\s\S]*?\n\}\n/, "");
const path = new URL("../src/wire.ts", import.meta.url);
await writeFile(path, await format(types, { parser: "typescript", printWidth: 120 }));
