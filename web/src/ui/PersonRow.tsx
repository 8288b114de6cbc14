import type { ReactNode } from "react";
import { Avatar } from "./Avatar";
import { cx } from "./cx";
import styles from "./PersonRow.module.css";

interface PersonRowProps {
  id: string;
  name: string;
  hint?: ReactNode;
  isGroup?: boolean;
  isChosen?: boolean;
  isThere?: boolean;
  after?: ReactNode;
  onSelect?: () => void;
}

/** Somebody, or a conversation, in a list to choose from. */
export function PersonRow({ id, name, hint, isGroup, isChosen = false, isThere, after, onSelect }: PersonRowProps) {
  const inside = (
    <>
      <Avatar id={id} name={name} size="medium" isGroup={isGroup} isThere={isThere} />
      <span className={styles.text}>
        <bdi className={styles.name}>{name}</bdi>
        {hint && <span className={styles.hint}>{hint}</span>}
      </span>
    </>
  );
  return (
    <div className={cx(styles.row, isChosen && styles.chosen)}>
      {onSelect ? (
        <button type="button" className={styles.press} aria-pressed={isChosen || undefined} onClick={onSelect}>
          {inside}
        </button>
      ) : (
        <span className={styles.press}>{inside}</span>
      )}
      {after}
    </div>
  );
}
