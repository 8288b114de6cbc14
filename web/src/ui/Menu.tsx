import { Suspense, useState, type ReactNode } from "react";
import { IconButton } from "./Button";
import type { Anchor, MenuPopupProps } from "./MenuPopup";
import { part } from "./part";

const MenuPopup = part(() => import("./MenuPopup"));

/** Something to choose; a line between some and others; nothing where it is not to be had. */
export type MenuEntry = Choice | "line" | false;

export interface Choice {
  label: string;
  icon?: ReactNode;
  isDanger?: boolean;
  isChosen?: boolean;
  onSelect: () => void;
}

/** What can be done with something, beside it. It is closed while there is no anchor, and loaded when there first is one. */
export function Menu({ anchor, ...rest }: Omit<MenuPopupProps, "anchor"> & { anchor: Anchor | null }) {
  return (
    anchor && (
      <Suspense fallback={null}>
        <MenuPopup anchor={anchor} {...rest} />
      </Suspense>
    )
  );
}

/** A button with a menu of its own. */
export function MenuButton({
  label,
  icon,
  entries,
}: {
  label: string;
  icon: ReactNode;
  entries: readonly MenuEntry[];
}) {
  const [anchor, setAnchor] = useState<Element | null>(null);
  return (
    <>
      <IconButton
        label={label}
        aria-haspopup="menu"
        aria-expanded={anchor !== null}
        onClick={(event) => setAnchor(event.currentTarget)}
      >
        {icon}
      </IconButton>
      <Menu anchor={anchor} entries={entries} onClose={() => setAnchor(null)} />
    </>
  );
}
