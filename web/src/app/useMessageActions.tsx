import type { Client } from "@fireside/client";
import { Suspense, useMemo, useRef, useState, type ReactNode } from "react";
import type { Actions } from "../features/history/actions";
import type { Place } from "../features/history/ForwardDialog";
import { MessageMenu, type Allowed } from "../features/history/MessageMenu";
import { t } from "../lib/i18n";
import type { ChatSummary } from "../model/chats";
import { refusalText } from "../model/refusals";
import { useClient } from "../model/session";
import type { About, Message } from "../model/types";
import { part } from "../ui/part";
import { toasts } from "../ui/toasts";

const DeleteDialog = part(() => import("../features/history/DeleteDialog"));
const ForwardDialog = part(() => import("../features/history/ForwardDialog"));
const MessageInfo = part(() => import("../features/history/MessageInfo"));
const ReactionPicker = part(() => import("../features/history/ReactionPicker"));

/** For how long the server lets people change what they said, unless its host has set it otherwise. */
const EDIT_MS = 15 * 60_000;
const DELETE_MS = 48 * 3_600_000;

interface Wanted {
  about: About | null;
  chats: readonly ChatSummary[];
  isStarred: (seq: number) => boolean;
  onReply: (message: Message) => void;
  onEdit: (message: Message) => void;
  goTo: (seq: number) => void;
}

/** What can be done with messages: the functions for their rows, and the menu and dialogs that ask how. */
export function useMessageActions(wanted: Wanted): { actions: Actions; overlay: ReactNode } {
  const client = useClient();
  const latest = useRef(wanted);
  latest.current = wanted;
  const [menu, setMenu] = useState<{ message: Message; at: Element } | null>(null);
  const [dialog, setDialog] = useState<ReactNode>(null);
  const close = () => setDialog(null);
  const { me } = client.state;

  const actions = useMemo<Actions>(
    () => ({
      reply: (message) => latest.current.onReply(message),
      react: (message, emoji) => tried(client.react(message, emoji)),
      menu: (message, at) => setMenu({ message, at }),
      pickReaction: (message, at) =>
        setDialog(
          <ReactionPicker
            at={at}
            onPick={(emoji) => tried(client.react(message, emoji))}
            onClose={() => setDialog(null)}
          />,
        ),
      goTo: (seq) => latest.current.goTo(seq),
    }),
    [client],
  );

  const message = menu?.message;
  const isStarred = message ? wanted.isStarred(message.seq) : false;
  const overlay = (
    <>
      <MessageMenu
        menu={menu}
        me={me}
        isStarred={isStarred}
        may={allowed(message, wanted.about, me)}
        onClose={() => setMenu(null)}
        choices={{
          react: (emoji) => message && actions.react(message, emoji),
          moreEmoji: (at) => message && actions.pickReaction(message, at),
          reply: () => message && wanted.onReply(message),
          edit: () => message && wanted.onEdit(message),
          copy: () => message && void copy(message.content),
          star: () => message && tried(client.star(message, !isStarred)),
          pin: () => message && tried(client.pin(message, !message.pinned)),
          info: () => message && setDialog(<MessageInfo message={message} onClose={close} />),
          forward: () =>
            message &&
            setDialog(
              <ForwardDialog
                chats={wanted.chats}
                onForward={(place) => void forward(client, message, place)}
                onClose={close}
              />,
            ),
          remove: () =>
            message &&
            setDialog(
              <DeleteDialog
                mayForAll={mayDeleteForAll(message, wanted.about, me)}
                onDelete={(forAll) => tried(forAll ? client.delete(message) : client.hide(message))}
                onClose={close}
              />,
            ),
        }}
      />
      <Suspense fallback={null}>{dialog}</Suspense>
    </>
  );
  return { actions, overlay };
}

function tried(work: Promise<unknown>): void {
  void work.catch((error: unknown) => toasts.problem(refusalText(error)));
}

async function forward(client: Client, message: Message, place: Place): Promise<void> {
  try {
    await client.forward(message, place);
    toasts.say(t("forward.done"));
  } catch (error) {
    toasts.problem(refusalText(error));
  }
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toasts.say(t("message.copied"));
  } catch {
    toasts.problem(t("common.error"));
  }
}

const isWithin = (message: Message, duration: number) => Date.now() - Date.parse(message.timestamp) < duration;
const isManager = (about: About | null) => about?.role === "owner" || about?.role === "admin";

/** The message one's last words can still be changed in. */
export const mayEdit = (message: Message, me: string): boolean =>
  message.sender === me && !message.deletedAt && !message.hidden && !message.system && isWithin(message, EDIT_MS);

function allowed(message: Message | undefined, about: About | null, me: string): Allowed {
  const isIn = about !== null && about.until == null;
  return {
    write: isIn,
    edit: isIn && message !== undefined && mayEdit(message, me),
    pin: isIn && (about.kind === "direct" || isManager(about)),
    info: isIn && message?.sender === me,
  };
}

function mayDeleteForAll(message: Message, about: About | null, me: string): boolean {
  if (about === null || about.until != null) return false;
  return (message.sender === me && isWithin(message, DELETE_MS)) || (about.kind === "group" && isManager(about));
}
