import { t } from "../../lib/i18n";
import { Avatar } from "../../ui/Avatar";
import styles from "./Composer.module.css";

interface MentionListProps {
  id: string;
  names: readonly string[];
  chosen: number;
  onPick: (name: string) => void;
}

/** Who can be mentioned. The keys are the text box's, which keeps the focus. */
export function MentionList({ id, names, chosen, onPick }: MentionListProps) {
  return (
    <ul id={id} role="listbox" aria-label={t("compose.mention")} className={styles.mentions}>
      {names.map((name, index) => (
        <li
          key={name}
          id={`${id}-${index}`}
          role="option"
          aria-selected={index === chosen}
          className={styles.mention}
          onPointerDown={(event) => {
            event.preventDefault();
            onPick(name);
          }}
        >
          <Avatar id={name} name={name} size="small" />
          <bdi>{name}</bdi>
        </li>
      ))}
    </ul>
  );
}
