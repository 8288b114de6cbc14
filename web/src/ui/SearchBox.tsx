import { Search, X } from "lucide-react";
import type { InputHTMLAttributes, Ref } from "react";
import { t } from "../lib/i18n";
import { IconButton } from "./Button";
import { cx } from "./cx";
import styles from "./SearchBox.module.css";

type SearchBoxProps = Omit<InputHTMLAttributes<HTMLInputElement>, "onChange" | "value"> & {
  label: string;
  value: string;
  onChange: (value: string) => void;
  inputRef?: Ref<HTMLInputElement>;
};

/** A line to look for something in. */
export function SearchBox({ label, value, onChange, inputRef, className, ...rest }: SearchBoxProps) {
  return (
    <div className={cx(styles.box, className)}>
      <Search size={17} aria-hidden className={styles.icon} />
      <input
        type="search"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        aria-label={label}
        placeholder={label}
        {...rest}
        ref={inputRef}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        className={styles.input}
      />
      {value && (
        <IconButton label={t("chats.clear")} className={styles.clear} onClick={() => onChange("")}>
          <X size={16} />
        </IconButton>
      )}
    </div>
  );
}
