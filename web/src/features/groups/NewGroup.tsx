import { useState } from "react";
import { t } from "../../lib/i18n";
import { refusalText } from "../../model/refusals";
import { useClient } from "../../model/session";
import type { Person } from "../../model/users";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";
import { PeoplePicker } from "./PeoplePicker";
import styles from "./groups.module.css";

interface NewGroupProps {
  suggested: readonly Person[];
  onMade: (conversation: string) => void;
  onClose: () => void;
}

/** Making a group. */
export default function NewGroup({ suggested, onMade, onClose }: NewGroupProps) {
  const client = useClient();
  // Made once, however often the button is pressed and whatever the line does.
  const [clientId] = useState(() => crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`);
  const [title, setTitle] = useState("");
  const [chosen, setChosen] = useState<Person[]>([]);
  const [openHistory, setOpenHistory] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<string | null>(null);
  const make = async () => {
    if (!title.trim()) return setProblem(t("problem.empty"));
    setBusy(true);
    setProblem(null);
    try {
      const members = chosen.map(({ _id }) => _id);
      const made = await client.createGroup(title.trim(), members, { openHistory, clientId });
      onMade(made._id);
    } catch (error) {
      setProblem(refusalText(error));
      setBusy(false);
    }
  };
  return (
    <Dialog
      title={t("group.new")}
      onClose={onClose}
      foot={
        <Button look="main" busy={isBusy} onClick={() => void make()}>
          {t("group.create")}
        </Button>
      }
    >
      <div className={styles.form}>
        <Field
          label={t("group.title")}
          placeholder={t("group.titlePlaceholder")}
          value={title}
          maxLength={80}
          problem={problem}
          onChange={(event) => setTitle(event.target.value)}
        />
        <label className={styles.option}>
          <input type="checkbox" checked={openHistory} onChange={(event) => setOpenHistory(event.target.checked)} />
          {t("group.openHistory")}
        </label>
        <PeoplePicker chosen={chosen} onChange={setChosen} suggested={suggested} without={new Set([client.state.me])} />
      </div>
    </Dialog>
  );
}
