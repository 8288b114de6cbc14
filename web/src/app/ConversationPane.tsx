import { Suspense, useCallback, useMemo, useRef, useState } from "react";
import { Composer, type About as ComposerAbout } from "../features/composer/Composer";
import { History, type HistoryHandle, type UnreadMark } from "../features/history/History";
import { t } from "../lib/i18n";
import { line } from "../lib/text/clean";
import { directWith, otherOf, titleOf, type ChatSummary } from "../model/chats";
import { useSelected } from "../model/client";
import { seqOfDay } from "../model/days";
import { usePeople } from "../model/people";
import { preferences, usePreferences } from "../model/preferences";
import { useWatch } from "../model/presence";
import { refusalText } from "../model/refusals";
import { useSession } from "../model/session";
import { reach } from "../model/ticks";
import type { LocalConversation, Message, Outgoing } from "../model/types";
import type { Person } from "../model/users";
import { useView } from "../model/view";
import { Button } from "../ui/Button";
import { Empty } from "../ui/Empty";
import { part } from "../ui/part";
import type { TickState } from "../ui/Tick";
import { toasts } from "../ui/toasts";
import { ConversationHeader } from "./ConversationHeader";
import { LineBanner } from "./LineBanner";
import { go, to } from "./routes";
import { useAttention, useMedia } from "./useMedia";
import { mayEdit, useMessageActions } from "./useMessageActions";
import { useStart } from "./useStart";
import styles from "./ConversationPane.module.css";

const InfoPanel = part(() => import("../features/groups/InfoPanel"));
const DateDialog = part(() => import("../features/history/DateDialog"));

interface ConversationPaneProps {
  conversation: string | null;
  /** Somebody there may be no conversation with yet. */
  user: string | null;
  /** The message to begin at. */
  seq: number | null;
  chats: readonly ChatSummary[];
  suggested: readonly Person[];
  now: number;
  onWrite: (user: string) => void;
  onFind: () => void;
}

interface Doing {
  kind: "reply" | "edit";
  message: Message;
}

/** The middle pane: what was said, where one writes, and beside it what the conversation is. */
export function ConversationPane(props: ConversationPaneProps) {
  const { user, seq, chats, now, onWrite, onFind } = props;
  const { client, drafts } = useSession();
  const { me } = client.state;
  const nameOf = usePeople();
  const local = useSelected((current) => {
    const { conversations } = current.state;
    return props.conversation
      ? conversations.get(props.conversation)
      : directWith(conversations.values(), me, user ?? "");
  });
  const version = useSelected(() => local?.version ?? 0);
  const isUpToDate = useSelected((current) => current.online && !current.state.isBehind);
  const id = local?.about ? local.id : null;
  const about = local?.about ?? null;
  const isGroup = about?.kind === "group";
  const other = local?.about ? otherOf(local, me) : user;
  const place = other ?? props.conversation ?? "";
  const title = local?.about ? titleOf(local, me, nameOf) : nameOf(user ?? "");
  const hasLeft = about?.until != null;

  const { showInfo: isKeptOpen, enterSends } = usePreferences();
  const isWide = useMedia("(min-width: 75rem)");
  // Where there is room it stands beside the conversation and stays; elsewhere it covers it for a moment.
  const [isOver, setOver] = useState(false);
  const showInfo = isWide ? isKeptOpen : isOver;
  const setInfo = (isShown: boolean) => (isWide ? preferences.set({ showInfo: isShown }) : setOver(isShown));
  const [doing, setDoing] = useState<Doing | null>(null);
  const [isPickingDate, setPickingDate] = useState(false);
  const history = useRef<HistoryHandle>(null);
  const view = useView(id);
  const { show } = view;
  const watch = useWatch(hasLeft ? null : id);
  const pending = usePending(id, other);

  // Where one had read up to when one began to look: the mark stays there while one reads.
  const attention = useAttention();
  const [mark, setMark] = useState<UnreadMark | null>(null);
  const looked = useRef({ id: "", attention: false });
  if (local?.about && attention && (looked.current.id !== local.id || !looked.current.attention)) {
    if (looked.current.id !== local.id || local.unread > 0) {
      setMark(local.unread > 0 ? { after: local.read, count: local.unread } : null);
    }
    looked.current = { id: local.id, attention };
  }
  looked.current.attention &&= attention;

  const goTo = useCallback(
    (target: number) => {
      void show(target).then(
        (isElsewhere) => !isElsewhere && history.current?.reveal(target),
        (error: unknown) => toasts.problem(error instanceof RangeError ? t("message.quoteGone") : refusalText(error)),
      );
    },
    [show],
  );
  const isSeeking = useStart(local?.about ? local : undefined, seq, show);

  const isStarred = useCallback((each: number) => local?.own.get(each)?.starred ?? false, [local]);
  const onReply = useCallback((message: Message) => setDoing({ kind: "reply", message }), []);
  const onEdit = useCallback((message: Message) => setDoing({ kind: "edit", message }), []);
  const { actions, overlay } = useMessageActions({ about, chats, isStarred, onReply, onEdit, goTo });

  const members = useMemo(
    () => about?.members.map((member) => member.username || nameOf(member.user)) ?? [],
    [about, nameOf],
  );
  const names = useMemo(() => new Set(members.map((name) => name.toLowerCase())), [members]);
  const others = useMemo(() => members.filter((name) => name !== nameOf(me)), [members, nameOf, me]);
  const marks = local ? reach(local, me) : { delivered: 0, read: 0 };
  const tickOf = (message: Message): TickState | null =>
    message.sender !== me || message.system
      ? null
      : message.seq <= marks.read
        ? "read"
        : message.seq <= marks.delivered
          ? "delivered"
          : "sent";

  const send = (text: string) => {
    if (doing?.kind === "edit") {
      if (text !== doing.message.content) {
        void client.edit(doing.message, text).catch((error: unknown) => toasts.problem(refusalText(error)));
      }
      return setDoing(null);
    }
    const where = id ? { conversation: id } : { to: user ?? "" };
    client.post(text, { ...where, ...(doing && { replyTo: doing.message.seq }) });
    setDoing(null);
    setMark(null);
    view.toLive();
    requestAnimationFrame(() => history.current?.toEnd());
  };
  const editLast = () => {
    for (let each = local?.seq ?? 0; local && each >= local.first; each--) {
      const message = local.messages.get(each);
      if (message && mayEdit(message, me)) return onEdit(message);
    }
  };
  const seen = (upTo: number) => {
    if (!local || hasLeft || !attention) return;
    if (upTo > local.read) client.markRead(local.id, upTo);
    if (local.flags.unread) void client.setFlags(local.id, { unread: false }).catch(() => {});
  };
  const toNewest = () => {
    view.toLive();
    requestAnimationFrame(() => history.current?.toEnd());
  };

  if (props.conversation && !local) {
    return (
      <main className={styles.pane}>
        <div className={styles.banner}>
          <LineBanner />
        </div>
        {isUpToDate && (
          <Empty title={t("problem.gone")}>
            <Button onClick={() => go(to.list())}>{t("chats.back")}</Button>
          </Empty>
        )}
      </main>
    );
  }
  const pinned =
    local && showInfo
      ? [...local.messages.values()].filter((message) => message.pinned && !message.deletedAt).reverse()
      : [];
  const status = statusOf(watch, { about, other, me, now, nameOf });
  return (
    <>
      <main className={styles.pane} aria-label={title} data-version={version}>
        <ConversationHeader
          faceId={place}
          title={title}
          isGroup={isGroup}
          isThere={!isGroup && other !== me && watch.isOnline(other ?? "")}
          status={status.text}
          isStatusWarm={status.isWarm}
          hasHistory={id !== null}
          onInfo={() => setInfo(!showInfo)}
          onFind={onFind}
          onDate={() => setPickingDate(true)}
        />
        <div className={styles.banner}>
          <LineBanner />
        </div>
        {isSeeking ? (
          <div className={styles.seeking} />
        ) : (
          <History
            key={view.key}
            handle={history}
            label={t("history.label", { name: title })}
            span={view.span}
            startAt={view.startAt}
            pending={view.span.hasNewer ? NONE : pending}
            me={me}
            mark={mark}
            unread={local?.unread ?? 0}
            withFaces={isGroup}
            now={now}
            nameOf={nameOf}
            tickOf={tickOf}
            isStarred={isStarred}
            names={names}
            actions={actions}
            onOlder={view.older}
            onNewer={view.newer}
            onNewest={toNewest}
            onSeen={seen}
            begin={
              other === me && !isGroup
                ? t("history.emptySelf")
                : t(local && local.seq > 0 ? "history.begin" : "history.emptyHint", { name: title })
            }
          />
        )}
        {hasLeft && <p className={styles.left}>{t("compose.left")}</p>}
        {!hasLeft && (about || user) && (
          <Composer
            place={place}
            about={composerAbout(doing, me, nameOf)}
            onCancelAbout={() => setDoing(null)}
            draft={drafts.get(place)}
            onDraft={(text) => drafts.set(place, text)}
            onSend={send}
            onTyping={watch.setTyping}
            onEditLast={editLast}
            names={isGroup ? others : NO_NAMES}
            enterSends={enterSends}
          />
        )}
        {overlay}
        {isPickingDate && about && (
          <Suspense fallback={null}>
            <DateDialog
              earliest={about.createdAt}
              onGo={async (day) => goTo(await seqOfDay(client, about._id, day))}
              onClose={() => setPickingDate(false)}
            />
          </Suspense>
        )}
      </main>
      {showInfo && about && (
        <div
          className={styles.info}
          data-info
          onKeyDown={(event) => {
            if (event.key !== "Escape") return;
            event.stopPropagation();
            setInfo(false);
          }}
        >
          <Suspense fallback={null}>
            <InfoPanel
              about={about}
              title={title}
              faceId={other ?? about._id}
              presence={status.text}
              isThere={watch.isOnline}
              pinned={pinned}
              suggested={props.suggested}
              onGoTo={(each) => {
                setOver(false);
                goTo(each);
              }}
              onWrite={onWrite}
              onClose={() => setInfo(false)}
            />
          </Suspense>
        </div>
      )}
    </>
  );
}

const NONE: readonly Outgoing[] = [];
const NO_NAMES: readonly string[] = [];

/** What waits to be sent to here: to the conversation, or to the person it is with. */
function usePending(conversation: string | null, user: string | null): readonly Outgoing[] {
  return useSelected((client) => ((conversation ?? user) === null ? NONE : client.pending(conversation ?? user ?? "")));
}

function composerAbout(doing: Doing | null, me: string, nameOf: (user: string) => string): ComposerAbout | null {
  if (!doing) return null;
  const { kind, message } = doing;
  const isMine = message.sender === me;
  return {
    kind,
    key: `${kind}.${message.seq}`,
    name: isMine ? t("compose.replyToSelf") : t("compose.replyTo", { name: line(nameOf(message.sender)) }),
    text: message.content,
  };
}

interface StatusContext {
  about: LocalConversation["about"];
  other: string | null;
  me: string;
  now: number;
  nameOf: (user: string) => string;
}

/** What is said below the name. */
function statusOf(watch: ReturnType<typeof useWatch>, { about, other, me, now, nameOf }: StatusContext) {
  const typing = watch.typing.filter((user) => user !== me);
  if (typing.length > 0) {
    const [first = "", ...more] = typing.map(nameOf);
    if (about?.kind !== "group") return { text: t("presence.typing"), isWarm: true };
    const text =
      more.length === 0
        ? t("presence.oneTyping", { name: first })
        : t("presence.manyTyping", { names: typing.map(nameOf).join(", ") });
    return { text, isWarm: true };
  }
  if (about?.until != null) return { text: t("presence.left"), isWarm: false };
  if (about?.kind === "group") return { text: t("presence.members", { count: about.memberCount }), isWarm: false };
  if (other === me) return { text: t("chats.selfHint"), isWarm: false };
  return { text: watch.presenceOf(other ?? "", now), isWarm: false };
}
