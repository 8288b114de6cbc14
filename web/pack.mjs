/**
 * Puts what was built where the server finds it, with what is worth it compressed beside it: node pack.mjs FROM TO.
 *
 * It is complete by the time it is there.
 */
import { cpSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";

const CODINGS = [
  [".br", (content) => brotliCompressSync(content)],
  [".gz", (content) => gzipSync(content, { level: 9 })],
];
/** Less than this fits into the packet that the headers are in. */
const SMALL = 1024;
/** What is compressed already gains next to nothing. */
const WORTH_IT = 0.9;

const [from, to] = process.argv.slice(2);
const fresh = `${to}.new`;
rmSync(fresh, { recursive: true, force: true });
cpSync(from, fresh, { recursive: true });
for (const entry of readdirSync(fresh, { recursive: true, withFileTypes: true })) {
  if (entry.isFile()) compress(join(entry.parentPath, entry.name));
}
rmSync(to, { recursive: true, force: true });
renameSync(fresh, to);

function compress(path) {
  const content = readFileSync(path);
  if (content.length < SMALL) return;
  for (const [suffix, coded] of CODINGS.map(([suffix, code]) => [suffix, code(content)])) {
    if (coded.length < content.length * WORTH_IT) writeFileSync(path + suffix, coded);
  }
}
