import { useEffect, useRef, useState } from "react";
import { t } from "../../lib/i18n";
import { gist } from "../../lib/text/clean";
import { useSelected } from "../../model/client";
import { usePreferences } from "../../model/preferences";
import { useSession } from "../../model/session";
import type { Message } from "../../model/types";

interface NoticesProps {
  /** Messages that nobody has read, over all conversations that are not muted. */
  unread: number;
  titleOf: (conversation: string) => string;
  isMuted: (conversation: string) => boolean;
}

/**
 * Tells of what comes in: to who looks elsewhere by a notification and the title of the page, to who does not look at
 * all by a live region.
 */
export function Notices({ unread, titleOf, isMuted }: NoticesProps) {
  const { client, people } = useSession();
  const { notifications } = usePreferences();
  const [said, setSaid] = useState("");
  const latest = useRef({ notifications, titleOf, isMuted });
  latest.current = { notifications, titleOf, isMuted };

  useEffect(() => {
    document.title = unread > 0 ? t("notice.titleCount", { count: unread }) : t("app.name");
    if ("setAppBadge" in navigator)
      void (unread > 0 ? navigator.setAppBadge(unread) : navigator.clearAppBadge()).catch(() => {});
  }, [unread]);

  useEffect(
    () =>
      client.on("messageReceived", (message: Message) => {
        if (message.sender === client.state.me || message.system) return;
        const name = people.nameOf(message.sender) || latest.current.titleOf(message.conversation);
        const title = latest.current.titleOf(message.conversation);
        const who = title && title !== name ? t("notice.inGroup", { name, group: title }) : name;
        if (latest.current.isMuted(message.conversation)) return;
        setSaid(t("notice.message", { name: who, text: gist(message.content, 200) }));
        const isElsewhere = document.visibilityState === "hidden" || !document.hasFocus();
        if (isElsewhere && latest.current.notifications) void notify(who, message);
      }),
    [client, people],
  );

  return (
    <div className="sr-only" aria-live="polite" role="status" data-testid="announcer">
      {said}
    </div>
  );
}

async function notify(title: string, message: Message): Promise<void> {
  const options = {
    body: gist(message.content, 160),
    icon: "/icons/icon-192.png",
    // Of several tabs all tell of it, and one notification is seen.
    tag: message.conversation,
    data: { conversation: message.conversation },
  };
  const registration = await navigator.serviceWorker?.getRegistration();
  if (registration) return registration.showNotification(title, options);
  const notification = new Notification(title, options);
  notification.onclick = () => {
    window.focus();
    location.hash = `#/c/${message.conversation}`;
  };
}

/** Over all conversations that are not muted. */
export function useUnread(): number {
  return useSelected((client) => {
    let sum = 0;
    for (const local of client.state.conversations.values()) {
      const { mutedUntil, archived } = local.flags;
      if (!archived && !(mutedUntil && Date.parse(mutedUntil) > Date.now())) sum += local.unread;
    }
    return sum;
  });
}
