import { Check, CheckCheck, CircleAlert, Clock } from "lucide-react";
import { t } from "../lib/i18n";
import { cx } from "./cx";
import styles from "./Tick.module.css";

export type TickState = "waiting" | "failed" | "sent" | "delivered" | "read";

const ICONS = { waiting: Clock, failed: CircleAlert, sent: Check, delivered: CheckCheck, read: CheckCheck };

/** How far a message of one's own has got. */
export function Tick({ state }: { state: TickState }) {
  const Icon = ICONS[state];
  return (
    <span
      className={cx(styles.tick, styles[state])}
      role="img"
      aria-label={t(`message.${state}`)}
      title={t(`message.${state}`)}
    >
      <Icon size={state === "waiting" ? 13 : 15} strokeWidth={2.25} aria-hidden />
    </span>
  );
}
