import { useState } from "react";
import { t } from "../../lib/i18n";
import type { Person } from "../../model/users";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { PeoplePicker } from "./PeoplePicker";

interface AddPeopleProps {
  suggested: readonly Person[];
  without: ReadonlySet<string>;
  onAdd: (users: string[]) => void;
  onClose: () => void;
}

/** Who else is to come? */
export default function AddPeople({ suggested, without, onAdd, onClose }: AddPeopleProps) {
  const [chosen, setChosen] = useState<Person[]>([]);
  const add = () => {
    onClose();
    onAdd(chosen.map(({ _id }) => _id));
  };
  const foot = (
    <Button look="main" disabled={chosen.length === 0} onClick={add}>
      {t("group.add")}
    </Button>
  );
  return (
    <Dialog title={t("group.addPeople")} size="tall" onClose={onClose} foot={foot}>
      <PeoplePicker chosen={chosen} onChange={setChosen} suggested={suggested} without={without} />
    </Dialog>
  );
}
