import { t } from "../../lib/i18n";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import styles from "./dialogs.module.css";

interface DeleteDialogProps {
  /** It is this person's to take back from everybody. */
  mayForAll: boolean;
  onDelete: (forAll: boolean) => void;
  onClose: () => void;
}

/** For whom is it to be gone? */
export default function DeleteDialog({ mayForAll, onDelete, onClose }: DeleteDialogProps) {
  const choose = (forAll: boolean) => () => {
    onClose();
    onDelete(forAll);
  };
  const foot = (
    <div className={styles.choices}>
      {mayForAll && (
        <Button look="danger" onClick={choose(true)}>
          {t("delete.forAll")}
        </Button>
      )}
      <Button look={mayForAll ? "plain" : "danger"} onClick={choose(false)}>
        {t("delete.forMe")}
      </Button>
      <Button onClick={onClose}>{t("common.cancel")}</Button>
    </div>
  );
  return (
    <Dialog title={t("delete.title")} onClose={onClose} size="small" foot={foot}>
      <p className={styles.hint}>{t(mayForAll ? "delete.hint" : "delete.hintMine")}</p>
    </Dialog>
  );
}
