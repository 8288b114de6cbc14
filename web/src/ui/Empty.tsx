import type { ReactNode } from "react";
import styles from "./Empty.module.css";

/** What is said where there is nothing to see, and what can be done about that. */
export function Empty({ title, hint, children, picture }: EmptyProps) {
  return (
    <div className={styles.empty}>
      {picture}
      <p className={styles.title}>{title}</p>
      {hint && <p className={styles.hint}>{hint}</p>}
      {children}
    </div>
  );
}

interface EmptyProps {
  title: string;
  hint?: ReactNode;
  picture?: ReactNode;
  children?: ReactNode;
}
