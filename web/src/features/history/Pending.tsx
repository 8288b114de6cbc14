import { t } from "../../lib/i18n";
import { isEmojiOnly, gist } from "../../lib/text/clean";
import { refusalText } from "../../model/refusals";
import { useClient } from "../../model/session";
import type { Outgoing } from "../../model/types";
import { cx } from "../../ui/cx";
import { RichText } from "../../ui/RichText";
import { Tick } from "../../ui/Tick";
import { Quote } from "./Quote";
import styles from "./Message.module.css";

interface PendingProps {
  outgoing: Outgoing;
  opens: boolean;
  me: string;
  onQuote: (seq: number) => void;
}

/** What waits to be sent, or was not accepted. It looks like the message it will be. */
export function Pending({ outgoing, opens, onQuote }: PendingProps) {
  const client = useClient();
  const { content, refused, conversation, replyTo, clientId } = outgoing;
  return (
    <div className={cx(styles.row, styles.own, styles.closes, opens && styles.opens)}>
      <div className={styles.stack}>
        <article
          className={styles.bubble}
          aria-label={`${t(refused ? "message.failed" : "message.waiting")}: ${gist(content)}`}
        >
          {replyTo !== undefined && conversation && <Quote conversation={conversation} seq={replyTo} onGo={onQuote} />}
          <div dir="auto" className={cx(styles.text, isEmojiOnly(content) && styles.large)}>
            <RichText text={content.slice(0, 4_000)} />
            <span className={styles.meta}>
              <Tick state={refused ? "failed" : "waiting"} />
            </span>
          </div>
        </article>
        {refused && (
          <div className={styles.failed} role="alert">
            <span>{`${t("message.failed")}. ${refusalText(refused)}`}</span>
            <button type="button" onClick={() => client.retry(clientId)}>
              {t("message.retry")}
            </button>
            <button type="button" onClick={() => client.discard(clientId)}>
              {t("message.discard")}
            </button>
          </div>
        )}
      </div>
    </div>
  );
}
