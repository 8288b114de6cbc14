import { Check, X } from "lucide-react";
import { useState } from "react";
import { t } from "../../lib/i18n";
import { useUserSearch, type Person } from "../../model/users";
import { IconButton } from "../../ui/Button";
import { PersonRow } from "../../ui/PersonRow";
import { SearchBox } from "../../ui/SearchBox";
import styles from "./groups.module.css";

interface PeoplePickerProps {
  chosen: readonly Person[];
  onChange: (chosen: Person[]) => void;
  /** Offered before anything is typed. */
  suggested: readonly Person[];
  /** Who is in already, and is not to be offered. */
  without: ReadonlySet<string>;
}

/** Some people, found by name. */
export function PeoplePicker({ chosen, onChange, suggested, without }: PeoplePickerProps) {
  const [query, setQuery] = useState("");
  const found = useUserSearch(query);
  const offered = (query.trim() ? (found.data ?? []) : suggested).filter(({ _id }) => !without.has(_id));
  const isChosen = ({ _id }: Person) => chosen.some((each) => each._id === _id);
  const toggle = (person: Person) =>
    onChange(isChosen(person) ? chosen.filter((each) => each._id !== person._id) : [...chosen, person]);
  return (
    <div className={styles.picker}>
      <SearchBox label={t("group.findPeople")} value={query} onChange={setQuery} />
      {chosen.length > 0 && (
        <ul className={styles.chips} aria-label={t("group.people")}>
          {chosen.map((person) => (
            <li key={person._id} className={styles.chip}>
              <bdi>{person.username}</bdi>
              <IconButton label={t("group.remove.chip", { name: person.username })} onClick={() => toggle(person)}>
                <X size={14} />
              </IconButton>
            </li>
          ))}
        </ul>
      )}
      <ul className={styles.offered}>
        {offered.map((person) => (
          <li key={person._id}>
            <PersonRow
              id={person._id}
              name={person.username}
              isChosen={isChosen(person)}
              after={isChosen(person) && <Check size={18} className={styles.check} aria-hidden />}
              onSelect={() => {
                toggle(person);
                setQuery("");
              }}
            />
          </li>
        ))}
        {query.trim() && offered.length === 0 && !found.isFetching && (
          <li className={styles.none}>{t("find.none", { query: query.trim() })}</li>
        )}
      </ul>
    </div>
  );
}
