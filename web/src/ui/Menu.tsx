import { Menu as Base } from "@base-ui/react/menu";
import type { ReactElement, ReactNode } from "react";
import { cx } from "./cx";
import styles from "./Menu.module.css";

interface MenuProps {
    /** The button that opens it. Left out where the menu is opened at a place: then `anchor` and `onClose` are needed. */
    trigger?: ReactElement;
    anchor?: Element | { getBoundingClientRect: () => DOMRect } | null;
    onClose?: () => void;
    side?: "bottom" | "top" | "left" | "right";
    align?: "start" | "center" | "end";
    label?: string;
    children: ReactNode;
}

/** What can be done with something. */
export function Menu({ trigger, anchor, onClose, side = "bottom", align = "end", label, children }: MenuProps) {
    const isPlaced = anchor !== undefined;
    return (
        <Base.Root
            modal={false}
            {...(isPlaced && { open: anchor !== null, onOpenChange: (open: boolean) => !open && onClose?.() })}
        >
            {trigger && <Base.Trigger render={trigger} />}
            <Base.Portal>
                <Base.Positioner
                    className={styles.place}
                    side={side}
                    align={align}
                    sideOffset={4}
                    anchor={anchor ?? undefined}
                >
                    <Base.Popup className={styles.menu} aria-label={label}>
                        {children}
                    </Base.Popup>
                </Base.Positioner>
            </Base.Portal>
        </Base.Root>
    );
}

interface ItemProps {
    icon?: ReactNode;
    onSelect: () => void;
    isDanger?: boolean;
    children: ReactNode;
}

export function MenuItem({ icon, onSelect, isDanger = false, children }: ItemProps) {
    return (
        <Base.Item className={cx(styles.item, isDanger && styles.danger)} onClick={onSelect}>
            {icon}
            {children}
        </Base.Item>
    );
}

export const MenuLine = () => <Base.Separator className={styles.line} />;
