import {
  Archive,
  ArrowLeft,
  MoreVertical,
  Search,
  Settings as SettingsIcon,
  SquarePen,
  Star,
  Users,
} from "lucide-react";
import { memo, useState } from "react";
import { ChatList } from "../features/chats/ChatList";
import type { FlagChanges } from "../features/chats/ChatMenu";
import { t } from "../lib/i18n";
import type { ChatSummary } from "../model/chats";
import { refusalText } from "../model/refusals";
import { useSession } from "../model/session";
import { Avatar } from "../ui/Avatar";
import { Button, IconButton } from "../ui/Button";
import { Empty } from "../ui/Empty";
import { Hearth } from "../ui/Hearth";
import { MenuButton } from "../ui/Menu";
import { SearchBox } from "../ui/SearchBox";
import { toasts } from "../ui/toasts";
import type { DialogName } from "./dialogs";
import { LineBanner } from "./LineBanner";
import styles from "./ChatsPane.module.css";

interface ChatsPaneProps {
  chats: readonly ChatSummary[];
  openId: string | null;
  now: number;
  isReady: boolean;
  onDialog: (name: DialogName) => void;
}

/** The left pane: who one is, and one's conversations. */
export const ChatsPane = memo(function ChatsPane({ chats, openId, now, isReady, onDialog }: ChatsPaneProps) {
  const { client, me, username } = useSession();
  const [filter, setFilter] = useState("");
  const [isArchive, setArchive] = useState(false);
  const wanted = filter.trim().toLowerCase();
  const archived = chats.filter((chat) => chat.isArchived);
  const shown = wanted
    ? chats.filter((chat) => chat.title.toLowerCase().includes(wanted))
    : chats.filter((chat) => chat.isArchived === isArchive);
  const unreadArchived = archived.filter((chat) => chat.unread > 0).length;

  const setFlags = (id: string, flags: FlagChanges) =>
    void client.setFlags(id, flags).catch((error: unknown) => toasts.problem(refusalText(error)));
  const markRead = (chat: ChatSummary) => {
    const seq = client.state.conversations.get(chat.id)?.lastSeq;
    if (seq) client.markRead(chat.id, seq);
    if (chat.isMarkedUnread) setFlags(chat.id, { unread: false });
  };

  const empty = !isReady ? (
    <Skeletons />
  ) : wanted ? (
    <Empty title={t("chats.noneFound")} hint={t("chats.noneFoundHint")}>
      <Button onClick={() => onDialog("find")}>
        <Search size={18} /> {t("find.title")}
      </Button>
    </Empty>
  ) : isArchive ? (
    <Empty title={t("chats.noArchived")} />
  ) : (
    <Empty title={t("chats.none")} hint={t("chats.noneHint")} picture={<Hearth size={72} />}>
      <Button look="main" onClick={() => onDialog("find")}>
        <SquarePen size={18} /> {t("chats.new")}
      </Button>
    </Empty>
  );

  return (
    <section className={styles.pane} aria-label={t("chats.title")}>
      <header className={styles.bar}>
        {isArchive ? (
          <>
            <IconButton label={t("chats.back")} onClick={() => setArchive(false)}>
              <ArrowLeft size={22} />
            </IconButton>
            <h1 className={styles.title}>{t("chats.archived")}</h1>
          </>
        ) : (
          <>
            <button
              type="button"
              className={styles.me}
              aria-label={t("settings.title")}
              title={username}
              onClick={() => onDialog("settings")}
            >
              <Avatar id={me} name={username} size="medium" />
            </button>
            <h1 className={styles.title}>{t("app.name")}</h1>
          </>
        )}
        <IconButton label={t("chats.new")} onClick={() => onDialog("find")}>
          <SquarePen size={20} />
        </IconButton>
        <MenuButton
          label={t("chats.menu")}
          icon={<MoreVertical size={20} />}
          entries={[
            { label: t("group.new"), icon: <Users size={18} />, onSelect: () => onDialog("group") },
            { label: t("starred.title"), icon: <Star size={18} />, onSelect: () => onDialog("starred") },
            {
              label: t("settings.title"),
              icon: <SettingsIcon size={18} />,
              onSelect: () => onDialog("settings"),
            },
          ]}
        />
      </header>
      <div className={styles.filter}>
        <SearchBox label={t("chats.filter")} value={filter} onChange={setFilter} />
      </div>
      <LineBanner />
      {!isArchive && !wanted && archived.length > 0 && (
        <button type="button" className={styles.archive} onClick={() => setArchive(true)}>
          <Archive size={18} aria-hidden />
          <span>{t("chats.archivedCount", { count: archived.length })}</span>
          {unreadArchived > 0 && <span className={styles.archiveUnread}>{unreadArchived}</span>}
        </button>
      )}
      <ChatList chats={shown} openId={openId} now={now} empty={empty} onFlags={setFlags} onMarkRead={markRead} />
    </section>
  );
});

/** Where the list will be: the same height, so that nothing moves when it comes. */
function Skeletons() {
  return (
    <div className={styles.skeletons} role="status" aria-label={t("app.loading")}>
      {Array.from({ length: 6 }, (_, index) => (
        <div key={index} className={styles.skeleton} />
      ))}
    </div>
  );
}
