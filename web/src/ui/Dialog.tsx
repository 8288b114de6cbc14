import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode, RefObject } from "react";
import { t } from "../lib/i18n";
import { Button, IconButton } from "./Button";
import { cx } from "./cx";
import styles from "./Dialog.module.css";

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ReactNode;
  /** Stands at the foot, and does not scroll. */
  foot?: ReactNode;
  size?: "small" | "normal" | "tall";
  hideTitle?: boolean;
  focus?: RefObject<HTMLElement | null>;
}

/** Something to be done first. Escape, a click beside it and the cross close it; the focus goes back to where it was. */
export function Dialog({ title, onClose, children, foot, size = "normal", hideTitle = false, focus }: DialogProps) {
  return (
    <Base.Root open onOpenChange={(open) => !open && onClose()}>
      <Base.Portal>
        <Base.Backdrop className={styles.shade} />
        <Base.Popup
          className={cx(styles.dialog, size !== "small" && styles.normal, size !== "normal" && styles[size])}
          initialFocus={focus}
        >
          <header className={hideTitle ? "sr-only" : styles.head}>
            <Base.Title className={styles.title}>{title}</Base.Title>
            {!hideTitle && (
              <Base.Close render={<IconButton label={t("common.close")} />}>
                <X size={20} />
              </Base.Close>
            )}
          </header>
          <div className={styles.body}>{children}</div>
          {foot && <footer className={styles.foot}>{foot}</footer>}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

interface ConfirmProps {
  title: string;
  hint: string;
  action: string;
  onConfirm: () => void;
  onClose: () => void;
}

/** A question to be answered before something is done that cannot be undone. */
export function Confirm({ title, hint, action, onConfirm, onClose }: ConfirmProps) {
  const confirm = () => {
    onClose();
    onConfirm();
  };
  const foot = (
    <>
      <Button onClick={onClose}>{t("common.cancel")}</Button>
      <Button look="danger" onClick={confirm}>
        {action}
      </Button>
    </>
  );
  return (
    <Dialog title={title} onClose={onClose} size="small" foot={foot}>
      <p className={styles.hint}>{hint}</p>
    </Dialog>
  );
}
