import data from "emojibase-data/en/compact.json";
import { useMemo, useState } from "react";
import { t } from "../lib/i18n";
import { remembered, remember } from "./often";
import { SearchBox } from "./SearchBox";
import styles from "./EmojiPicker.module.css";

interface Emoji {
    unicode: string;
    label: string;
    tags: string;
    group: number;
}

/** In the order of the standard; group 2 is its parts, such as skin tones, which nobody sends alone. */
const GROUPS = [0, 1, 3, 4, 5, 6, 7, 8, 9];

const ALL: Emoji[] = data
    .filter((each) => each.group !== undefined && GROUPS.includes(each.group))
    .sort((one, other) => (one.order ?? 0) - (other.order ?? 0))
    .map(({ unicode, label, tags = [], group = 0 }) => ({ unicode, label, tags: tags.join(" "), group }));

interface EmojiPickerProps {
    onPick: (emoji: string) => void;
    onClose: () => void;
}

/** All emoji there are, to be searched by name. Loaded when somebody wants it. */
export default function EmojiPicker({ onPick, onClose }: EmojiPickerProps) {
    const [query, setQuery] = useState("");
    const often = useMemo(() => remembered(), []);
    const found = useMemo(() => search(query), [query]);
    const pick = (emoji: string) => {
        remember(emoji);
        onPick(emoji);
    };
    const button = ({ unicode, label }: Pick<Emoji, "unicode" | "label">) => (
        <button
            key={unicode}
            type="button"
            className={styles.emoji}
            aria-label={label}
            title={label}
            onClick={() => pick(unicode)}
        >
            {unicode}
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
                {query ? (
                    <div className={styles.group}>{found.map(button)}</div>
                ) : (
                    <>
                        {often.length > 0 && (
                            <div className={styles.group} role="group" aria-label={t("emoji.often")}>
                                {ALL.filter((each) => often.includes(each.unicode)).map(button)}
                            </div>
                        )}
                        {GROUPS.map((group) => (
                            <div key={group} className={styles.group}>
                                {ALL.filter((each) => each.group === group).map(button)}
                            </div>
                        ))}
                    </>
                )}
                {query && found.length === 0 && <p className={styles.none}>{t("emoji.none")}</p>}
            </div>
        </div>
    );
}

function search(query: string): Emoji[] {
    const words = query.toLowerCase().split(/\s+/).filter(Boolean);
    return ALL.filter(({ label, tags }) => words.every((word) => label.includes(word) || tags.includes(word))).slice(
        0,
        80,
    );
}
