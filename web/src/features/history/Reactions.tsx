import { t, listed } from "../../lib/i18n";
import { usePeople } from "../../model/people";
import type { Message } from "../../model/types";
import type { Actions } from "./actions";
import styles from "./Message.module.css";

interface ReactionsProps {
  message: Message;
  me: string;
  actions: Actions;
}

/** Who reacted with what: one chip an emoji, the most frequent first. Pressing one adds, or takes back, one's own. */
export function Reactions({ message, me, actions }: ReactionsProps) {
  const nameOf = usePeople();
  const chips = grouped(message.reactions ?? {});
  if (chips.length === 0) return null;
  return (
    <div className={styles.reactions} role="group" aria-label={t("message.reactions")}>
      {chips.map(({ emoji, users }) => {
        const isMine = users.includes(me);
        const names = listed(users.map((user) => (user === me ? t("chats.you") : nameOf(user))));
        const label = t("message.reactionOf", { emoji, count: users.length, names });
        return (
          <button
            key={emoji}
            type="button"
            className={styles.reaction}
            aria-pressed={isMine}
            aria-label={label}
            title={names}
            onClick={() => actions.react(message, isMine ? null : emoji)}
          >
            <span aria-hidden>{emoji}</span>
            {users.length > 1 && <span className={styles.count}>{users.length}</span>}
          </button>
        );
      })}
    </div>
  );
}

/** The users of each emoji. */
export function grouped(reactions: Record<string, string>): { emoji: string; users: string[] }[] {
  const byEmoji = new Map<string, string[]>();
  for (const [user, emoji] of Object.entries(reactions)) byEmoji.set(emoji, [...(byEmoji.get(emoji) ?? []), user]);
  return [...byEmoji]
    .map(([emoji, users]) => ({ emoji, users }))
    .sort((one, other) => other.users.length - one.users.length);
}
