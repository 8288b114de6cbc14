import { Users } from "lucide-react";
import { useRef, useState, type KeyboardEvent, type ReactNode } from "react";
import { t } from "../../lib/i18n";
import { listTime } from "../../lib/time/dates";
import type { ChatSummary } from "../../model/chats";
import { useSession } from "../../model/session";
import { useUserSearch, type Person } from "../../model/users";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { PersonRow } from "../../ui/PersonRow";
import { SearchBox } from "../../ui/SearchBox";
import { useMessageSearch, type Hit } from "./search";
import { Snippet } from "./Snippet";
import styles from "./Find.module.css";

const CHATS = 6;

interface FindProps {
  chats: readonly ChatSummary[];
  /** Looks into this conversation alone, and at messages alone. */
  within: ChatSummary | null;
  onChat: (href: string) => void;
  onPerson: (person: Person) => void;
  onMessage: (hit: Hit) => void;
  onNewGroup: () => void;
  onClose: () => void;
}

/** People, conversations and what was said, found by one line. Arrow keys go through what was found. */
export default function Find({ chats, within, onChat, onPerson, onMessage, onNewGroup, onClose }: FindProps) {
  const { client } = useSession();
  const [query, setQuery] = useState("");
  const box = useRef<HTMLInputElement>(null);
  const words = query.trim();
  const users = useUserSearch(within ? "" : words);
  const messages = useMessageSearch(words, within?.id ?? null);
  const wanted = words.toLowerCase();
  const foundChats = within ? [] : chats.filter((chat) => chat.title.toLowerCase().includes(wanted)).slice(0, CHATS);
  const shownChats = new Set(foundChats.map((chat) => chat.faceId));
  const people = within || !words ? [] : (users.data ?? []).filter(({ _id }) => !shownChats.has(_id));
  const chatById = (id: string) => chats.find((chat) => chat.id === id);
  const isNothing =
    words !== "" &&
    foundChats.length + people.length + messages.hits.length === 0 &&
    !users.isFetching &&
    !messages.isSearching;
  const title = within ? t("find.inChat", { name: within.title }) : t("find.title");

  const move = (event: KeyboardEvent<HTMLElement>) => {
    if (event.key !== "ArrowDown" && event.key !== "ArrowUp") return;
    const stops = [...event.currentTarget.querySelectorAll<HTMLElement>("input, ul button")];
    const at = stops.indexOf(document.activeElement as HTMLElement);
    const next = stops[at + (event.key === "ArrowDown" ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  };
  const enter = (event: KeyboardEvent<HTMLElement>) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    event.currentTarget.closest("[data-find]")?.querySelector<HTMLElement>("ul button")?.click();
  };

  return (
    <Dialog title={title} hideTitle size="tall" onClose={onClose} focus={box}>
      <div className={styles.find} data-find onKeyDown={move}>
        <SearchBox
          inputRef={box}
          label={within ? title : t("find.placeholder")}
          value={query}
          onChange={setQuery}
          onKeyDown={enter}
        />
        {!within && (
          <Button className={styles.group} onClick={onNewGroup}>
            <Users size={18} /> {t("find.newGroup")}
          </Button>
        )}
        <div className={styles.found} aria-live="polite">
          <Found title={t("find.chats")}>
            {foundChats.map((chat) => (
              <li key={chat.id}>
                <PersonRow
                  id={chat.faceId}
                  name={chat.title}
                  isGroup={chat.isGroup}
                  onSelect={() => onChat(chat.href)}
                />
              </li>
            ))}
          </Found>
          <Found title={t("find.people")}>
            {people.map((person) => (
              <li key={person._id}>
                <PersonRow
                  id={person._id}
                  name={person.username}
                  hint={person._id === client.state.me ? t("chats.selfHint") : undefined}
                  onSelect={() => onPerson(person)}
                />
              </li>
            ))}
          </Found>
          <Found title={t("find.messages")}>
            {messages.hits.map((hit) => (
              <li key={`${hit.conversation}.${hit.message.seq}`}>
                <button type="button" className={styles.hit} onClick={() => onMessage(hit)}>
                  <span className={styles.top}>
                    <bdi>{chatById(hit.conversation)?.title}</bdi>
                    <time>{listTime(hit.message.timestamp, Date.now())}</time>
                  </span>
                  <Snippet text={hit.message.content} words={wanted} />
                </button>
              </li>
            ))}
          </Found>
          {isNothing && <p className={styles.note}>{t("find.none", { query: words })}</p>}
          {words === "" && foundChats.length === 0 && <p className={styles.note}>{t("find.hint")}</p>}
          {within && words !== "" && messages.hasOlder && (
            <Button busy={messages.isSearching} onClick={messages.searchOlder}>
              {t(messages.isSearching ? "find.searching" : "find.olderToo")}
            </Button>
          )}
          {!within && messages.hits.length > 0 && <p className={styles.note}>{t("find.here")}</p>}
        </div>
      </div>
    </Dialog>
  );
}

/** What was found of a kind, if anything was. */
function Found({ title, children }: { title: string; children: readonly ReactNode[] }) {
  if (children.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <ul>{children}</ul>
    </section>
  );
}
