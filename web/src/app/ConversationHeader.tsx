import { ArrowLeft, CalendarDays, MoreVertical, PanelRight, Search } from "lucide-react";
import { t } from "../lib/i18n";
import { Avatar } from "../ui/Avatar";
import { IconButton } from "../ui/Button";
import { cx } from "../ui/cx";
import { MenuButton } from "../ui/Menu";
import { go, to } from "./routes";
import styles from "./ConversationPane.module.css";

interface ConversationHeaderProps {
  faceId: string;
  title: string;
  isGroup: boolean;
  isThere: boolean;
  /** Typing, online, last seen, how many members. */
  status: string;
  isStatusWarm: boolean;
  /** False where there is nothing yet to be looked into. */
  hasHistory: boolean;
  onInfo: () => void;
  onFind: () => void;
  onDate: () => void;
}

/** Whom one talks to, and how to look into what was said. */
export function ConversationHeader(props: ConversationHeaderProps) {
  const { faceId, title, isGroup, isThere, status, isStatusWarm, hasHistory, onInfo, onFind, onDate } = props;
  return (
    <header className={styles.bar}>
      <IconButton label={t("chats.back")} className={styles.back} onClick={() => go(to.list())}>
        <ArrowLeft size={22} />
      </IconButton>
      <button type="button" className={styles.who} disabled={!hasHistory} onClick={onInfo}>
        <span className="sr-only">{t("header.about")}</span>
        <Avatar id={faceId} name={title} size="medium" isGroup={isGroup} isThere={isThere} />
        <span className={styles.names}>
          <bdi className={styles.title}>{title}</bdi>
          <span className={cx(styles.status, isStatusWarm && styles.warm)}>{status}</span>
        </span>
      </button>
      {hasHistory && (
        <>
          <IconButton label={t("header.search")} onClick={onFind}>
            <Search size={20} />
          </IconButton>
          <MenuButton
            label={t("header.menu")}
            icon={<MoreVertical size={20} />}
            entries={[
              { label: t("header.jumpToDate"), icon: <CalendarDays size={18} />, onSelect: onDate },
              { label: t("info.label"), icon: <PanelRight size={18} />, onSelect: onInfo },
            ]}
          />
        </>
      )}
    </header>
  );
}
