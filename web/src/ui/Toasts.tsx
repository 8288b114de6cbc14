import { useSyncExternalStore } from "react";
import { cx } from "./cx";
import { toasts } from "./toasts";
import styles from "./Toasts.module.css";

/** Where toasts appear. */
export function Toasts() {
  const toast = useSyncExternalStore(toasts.subscribe, toasts.current);
  return (
    <div className={styles.place} role="status">
      {toast && (
        <p key={toast.id} className={cx(styles.toast, toast.isProblem && styles.problem)}>
          {toast.text}
        </p>
      )}
    </div>
  );
}
