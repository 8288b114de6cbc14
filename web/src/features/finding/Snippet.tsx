import { gist, line } from "../../lib/text/clean";
import { unmarked } from "../../lib/text/rich";
import styles from "./Find.module.css";

const BEFORE = 30;

/** Where it says so, with what was looked for marked. */
export function Snippet({ text, words }: { text: string; words: string }) {
  const flat = line(unmarked(text), 16_384);
  const at = flat.toLowerCase().indexOf(words);
  if (at < 0) return <span className={styles.snippet}>{gist(text, 160)}</span>;
  const from = Math.max(0, at - BEFORE);
  return (
    <span className={styles.snippet} dir="auto">
      {from > 0 && "…"}
      {flat.slice(from, at)}
      <mark>{flat.slice(at, at + words.length)}</mark>
      {flat.slice(at + words.length, at + 160)}
    </span>
  );
}
