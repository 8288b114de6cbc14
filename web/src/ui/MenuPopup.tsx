import { Menu as Base } from "@base-ui/react/menu";
import { cx } from "./cx";
import type { Choice, MenuEntry } from "./Menu";
import styles from "./Menu.module.css";

export type Anchor = Element | { getBoundingClientRect: () => DOMRect };

export interface MenuPopupProps {
  anchor: Anchor;
  entries: readonly MenuEntry[];
  onClose: () => void;
  /** Short ones, side by side above the entries. */
  head?: readonly Choice[];
  align?: "start" | "center" | "end";
  label?: string;
}

/** An open menu. */
export default function MenuPopup({ anchor, entries, onClose, head, align = "end", label }: MenuPopupProps) {
  return (
    <Base.Root open onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Positioner className={styles.place} align={align} sideOffset={4} anchor={anchor}>
          <Base.Popup className={styles.menu} aria-label={label}>
            {head && (
              <Base.Group className={styles.head}>
                {head.map((choice) => (
                  <Base.Item
                    key={choice.label}
                    className={styles.short}
                    role={choice.isChosen === undefined ? "menuitem" : "menuitemradio"}
                    aria-label={choice.label}
                    aria-checked={choice.isChosen}
                    onClick={choice.onSelect}
                  >
                    {choice.icon}
                  </Base.Item>
                ))}
              </Base.Group>
            )}
            {entries.map((entry, index) =>
              entry === "line" ? (
                <Base.Separator key={index} className={styles.line} />
              ) : (
                entry && (
                  <Base.Item
                    key={entry.label}
                    className={cx(styles.item, entry.isDanger && styles.danger)}
                    onClick={entry.onSelect}
                  >
                    {entry.icon}
                    {entry.label}
                  </Base.Item>
                )
              ),
            )}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
