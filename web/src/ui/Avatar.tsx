import { memo } from "react";
import { cx } from "./cx";
import styles from "./Avatar.module.css";

const HUES = 8;

/** Somebody's picture: the letters they begin with, on a colour that is always theirs. */
export const Avatar = memo(function Avatar({
  id,
  name,
  size = "normal",
  isGroup = false,
  isThere = false,
}: AvatarProps) {
  return (
    <span
      className={cx(styles.avatar, styles[size], isGroup && styles.group)}
      data-hue={hueOf(id)}
      data-initials={initials(name)}
      aria-hidden
    >
      {isThere && <span className={styles.there} />}
    </span>
  );
});

interface AvatarProps {
  id: string;
  name: string;
  size?: "small" | "medium" | "normal" | "huge";
  isGroup?: boolean;
  isThere?: boolean;
}

/** Which of the colours is theirs. */
export function hueOf(id: string): number {
  let sum = 0;
  for (let index = 0; index < id.length; index++) sum = (sum * 31 + id.charCodeAt(index)) >>> 0;
  return sum % HUES;
}

/** "Book club" has BC, "ann.lee" AL, "bob (you)" B. */
export function initials(name: string): string {
  const words = name.replace(/ \(.*$/, "").match(/[\p{L}\p{N}]+/gu) ?? [];
  const [first = "", second = ""] = words.map((word) => [...word][0] ?? "");
  return (first + second).toUpperCase() || "#";
}
