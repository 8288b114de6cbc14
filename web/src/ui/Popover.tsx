import { Popover as Base } from "@base-ui/react/popover";
import type { ReactNode } from "react";
import styles from "./Menu.module.css";

/** Something beside what it is about. Escape and a click elsewhere close it. */
export function Popover({
  anchor,
  label,
  onClose,
  children,
}: {
  anchor: Element;
  label: string;
  onClose: () => void;
  children: ReactNode;
}) {
  return (
    <Base.Root open onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Positioner className={styles.place} anchor={anchor} sideOffset={6} side="top">
          <Base.Popup className={styles.popover} aria-label={label}>
            {children}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
