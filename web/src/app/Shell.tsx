import { Suspense, useCallback, useEffect, useMemo, useState } from "react";
import { Notices, useUnread } from "../features/notices/Notices";
import { t } from "../lib/i18n";
import { titleOf, useChats } from "../model/chats";
import { useSelected } from "../model/client";
import { usePeople } from "../model/people";
import { useSession } from "../model/session";
import { cx } from "../ui/cx";
import { Empty } from "../ui/Empty";
import { Hearth } from "../ui/Hearth";
import { part } from "../ui/part";
import { Toasts } from "../ui/Toasts";
import { ChatsPane } from "./ChatsPane";
import { ConversationPane } from "./ConversationPane";
import type { DialogName } from "./dialogs";
import { go, routeOf, to, useHash } from "./routes";
import { useKeys } from "./useKeys";
import { useNow } from "./useNow";
import styles from "./Shell.module.css";

const Find = part(() => import("../features/finding/Find"));
const NewGroup = part(() => import("../features/groups/NewGroup"));
const Starred = part(() => import("../features/starred/Starred"));
const Settings = part(() => import("../features/settings/Settings"));

const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);

/** What is wanted next is fetched when there is nothing else to do; what does not come now, when it is wanted. */
function fetchNext(): void {
  void Promise.allSettled([import("../ui/MenuPopup"), import("../features/finding/Find")]);
}

/** The app of somebody who is logged in: the list, the conversation, and what stands above them. */
export function Shell() {
  const { client, people } = useSession();
  const route = routeOf(useHash());
  const chats = useChats();
  const nameOf = usePeople();
  const now = useNow();
  const unread = useUnread();
  const isReady = useSelected((current) => current.state.cursor !== "");
  const [dialog, setDialog] = useState<DialogName | null>(null);
  const openId = route.conversation ?? route.user;
  const open = chats.find((chat) => chat.id === openId || (route.user !== null && chat.user === route.user));
  const close = useCallback(() => setDialog(null), [setDialog]);
  useKeys({ chats, openId, onFind: () => setDialog("find") });

  // Who wrote to somebody new is in a conversation with them as soon as the server has made it.
  useEffect(() => {
    if (route.user && open && open.id !== route.user) go(to.conversation(open.id), { replace: true });
  }, [route.user, open]);

  useEffect(() => {
    const opened = (event: MessageEvent) => {
      const id: unknown = event.data?.open;
      if (typeof id === "string") go(to.conversation(id));
    };
    navigator.serviceWorker?.addEventListener("message", opened);
    return () => navigator.serviceWorker?.removeEventListener("message", opened);
  }, []);

  useEffect(() => {
    const timer = setTimeout(fetchNext, 2_000);
    return () => clearTimeout(timer);
  }, []);

  const suggested = useMemo(
    () =>
      chats.flatMap((chat) =>
        chat.user && chat.user !== client.state.me ? [{ _id: chat.user, username: chat.title }] : [],
      ),
    [chats, client],
  );
  const titleById = useCallback(
    (id: string) => {
      const local = client.state.conversations.get(id);
      return local ? titleOf(local, client.state.me, nameOf) : "";
    },
    [client, nameOf],
  );
  const isMuted = useCallback((id: string) => chats.find((chat) => chat.id === id)?.isMuted ?? false, [chats]);
  const goTo = (hash: string) => {
    close();
    go(hash);
  };
  const writeTo = (user: string) => {
    const known = chats.find((chat) => chat.user === user);
    goTo(known ? known.href : to.user(user));
  };

  return (
    <div className={cx(styles.shell, openId && styles.inConversation)}>
      <header className={styles.skip}>
        <a href="#composer" onClick={skip}>
          {t("app.skip")}
        </a>
      </header>
      <ChatsPane chats={chats} openId={open?.id ?? openId} now={now} isReady={isReady} onDialog={setDialog} />
      {openId ? (
        <ConversationPane
          // The same one while a conversation comes to be: whoever is writing writes on.
          key={open?.user ?? openId}
          conversation={route.conversation}
          user={route.user}
          seq={route.seq}
          chats={chats}
          suggested={suggested}
          now={now}
          onWrite={writeTo}
          onFind={() => setDialog("findHere")}
        />
      ) : (
        <main className={styles.nothing}>
          <Empty
            picture={<Hearth size={88} />}
            title={t("chats.pickOne")}
            hint={t("chats.pickOneHint", { key: isMac ? "⌘K" : "Ctrl+K" })}
          />
        </main>
      )}
      <Suspense fallback={null}>
        {(dialog === "find" || dialog === "findHere") && (
          <Find
            chats={chats}
            within={dialog === "findHere" ? (open ?? null) : null}
            onChat={goTo}
            onPerson={({ _id, username }) => {
              people.learn(_id, username);
              writeTo(_id);
            }}
            onMessage={({ conversation, message }) => goTo(to.conversation(conversation, message.seq))}
            onNewGroup={() => setDialog("group")}
            onClose={close}
          />
        )}
        {dialog === "group" && (
          <NewGroup suggested={suggested} onMade={(id) => goTo(to.conversation(id))} onClose={close} />
        )}
        {dialog === "starred" && (
          <Starred titleOf={titleById} onGoTo={(id, seq) => goTo(to.conversation(id, seq))} onClose={close} />
        )}
        {dialog === "settings" && <Settings onClose={close} />}
      </Suspense>
      <Notices unread={unread} titleOf={titleById} isMuted={isMuted} />
      <Toasts />
    </div>
  );
}

function skip(event: React.MouseEvent): void {
  event.preventDefault();
  document.querySelector<HTMLElement>("textarea")?.focus();
}
