import { useMemo, useState } from "react";
import groups from "virtual:emoji";
import { t } from "../lib/i18n";
import { remember, remembered } from "./often";
import { SearchBox } from "./SearchBox";
import styles from "./EmojiPicker.module.css";

type Emoji = (typeof groups)[number][number];

const ALL = groups.flat();
const SHOWN = 80;

interface EmojiPickerProps {
  onPick: (emoji: string) => void;
  onClose: () => void;
}

/** All emoji there are, to be searched by name. Loaded when somebody wants it. */
export default function EmojiPicker({ onPick, onClose }: EmojiPickerProps) {
  const [query, setQuery] = useState("");
  const often = useMemo(() => oftenUsed(), []);
  const found = useMemo(() => search(query), [query]);
  const pick = (emoji: string) => {
    remember(emoji);
    onPick(emoji);
  };
  const button = ([emoji, label]: Emoji) => (
    <button
      key={emoji}
      type="button"
      className={styles.emoji}
      aria-label={label}
      title={label}
      onClick={() => pick(emoji)}
    >
      {emoji}
    </button>
  );
  return (
    <div
      className={styles.picker}
      onKeyDown={(event) => {
        if (event.key !== "Escape") return;
        event.stopPropagation();
        onClose();
      }}
    >
      <SearchBox label={t("emoji.search")} value={query} onChange={setQuery} autoFocus />
      <div className={styles.all}>
        {query && found.length === 0 && <p className={styles.none}>{t("emoji.none")}</p>}
        {query && <div className={styles.group}>{found.map(button)}</div>}
        {!query && often.length > 0 && (
          <div className={styles.group} role="group" aria-label={t("emoji.often")}>
            {often.map(button)}
          </div>
        )}
        {!query &&
          groups.map((group, index) => (
            <div key={index} className={styles.group}>
              {group.map(button)}
            </div>
          ))}
      </div>
    </div>
  );
}

function oftenUsed(): Emoji[] {
  const used = remembered();
  return ALL.filter(([emoji]) => used.includes(emoji)).sort(
    ([one], [other]) => used.indexOf(one) - used.indexOf(other),
  );
}

function search(query: string): Emoji[] {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  return ALL.filter(([, label, tags]) => words.every((word) => label.includes(word) || tags.includes(word))).slice(
    0,
    SHOWN,
  );
}
