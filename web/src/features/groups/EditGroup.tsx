import { useState } from "react";
import { t } from "../../lib/i18n";
import type { About } from "../../model/types";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import styles from "./groups.module.css";

export interface GroupSaid {
  title?: string;
  description?: string;
  openHistory?: boolean;
}

/** What the group says of itself. */
export default function EditGroup({
  about,
  onSave,
  onClose,
}: {
  about: About;
  onSave: (said: GroupSaid) => void;
  onClose: () => void;
}) {
  const [title, setTitle] = useState(about.title ?? "");
  const [description, setDescription] = useState(about.description ?? "");
  const [openHistory, setOpenHistory] = useState(about.openHistory ?? false);
  const save = () => {
    const said: GroupSaid = {
      ...(title.trim() !== about.title && { title: title.trim() }),
      ...(description.trim() !== (about.description ?? "") && { description: description.trim() }),
      ...(openHistory !== (about.openHistory ?? false) && { openHistory }),
    };
    onClose();
    if (Object.keys(said).length > 0) onSave(said);
  };
  const foot = (
    <Button look="main" disabled={!title.trim()} onClick={save}>
      {t("group.save")}
    </Button>
  );
  return (
    <Dialog title={t("group.edit")} onClose={onClose} foot={foot}>
      <div className={styles.form}>
        <Field
          label={t("group.title")}
          value={title}
          maxLength={80}
          onChange={(event) => setTitle(event.target.value)}
        />
        <Field
          label={t("group.description")}
          value={description}
          maxLength={500}
          onChange={(event) => setDescription(event.target.value)}
        />
        <label className={styles.option}>
          <input type="checkbox" checked={openHistory} onChange={(event) => setOpenHistory(event.target.checked)} />
          {t("group.openHistory")}
        </label>
      </div>
    </Dialog>
  );
}
