import { useRef, useState, type FormEvent } from "react";
import { t } from "../../lib/i18n";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Field } from "../../ui/Field";

interface DateDialogProps {
  /** The day it began. */
  earliest: string;
  onGo: (day: Date) => Promise<void>;
  onClose: () => void;
}

/** To which day? */
export default function DateDialog({ earliest, onGo, onClose }: DateDialogProps) {
  const [isBusy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const value = String(new FormData(event.currentTarget).get("day"));
    if (!value) return;
    setBusy(true);
    // Midnight here, not in Greenwich.
    await onGo(new Date(`${value}T00:00`));
    onClose();
  };
  const foot = (
    <>
      <Button onClick={onClose}>{t("common.cancel")}</Button>
      <Button look="main" busy={isBusy} onClick={() => form.current?.requestSubmit()}>
        {t("date.go")}
      </Button>
    </>
  );
  return (
    <Dialog title={t("date.title")} onClose={onClose} size="small" foot={foot}>
      <form ref={form} onSubmit={submit}>
        <Field
          label={t("date.label")}
          name="day"
          type="date"
          min={isoDay(new Date(earliest))}
          max={isoDay(new Date())}
          defaultValue={isoDay(new Date())}
          required
        />
      </form>
    </Dialog>
  );
}

const isoDay = (date: Date): string =>
  [date.getFullYear(), String(date.getMonth() + 1).padStart(2, "0"), String(date.getDate()).padStart(2, "0")].join("-");
