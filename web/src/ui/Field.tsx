import { useId, type InputHTMLAttributes, type ReactNode } from "react";
import { cx } from "./cx";
import styles from "./Field.module.css";

type FieldProps = InputHTMLAttributes<HTMLInputElement> & {
  label: string;
  hint?: string;
  problem?: string | null;
  /** Stands at the end of the box: a button, say. */
  after?: ReactNode;
};

/** A line to fill in, with its name above it and what is wrong with it below. */
export function Field({ label, hint, problem, after, className, ...input }: FieldProps) {
  const id = useId();
  const note = problem ?? hint;
  return (
    <div className={cx(styles.field, className)}>
      <label htmlFor={id} className={styles.label}>
        {label}
      </label>
      <div className={cx(styles.box, problem && styles.wrong)}>
        <input
          {...input}
          id={id}
          className={styles.input}
          aria-invalid={problem ? true : undefined}
          aria-describedby={note ? `${id}-note` : undefined}
        />
        {after}
      </div>
      {note && (
        <p
          id={`${id}-note`}
          className={cx(styles.note, problem && styles.problem)}
          role={problem ? "alert" : undefined}
        >
          {note}
        </p>
      )}
    </div>
  );
}
