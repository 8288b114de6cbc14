import { useQuery } from "@tanstack/react-query";
import { t } from "../../lib/i18n";
import { gist } from "../../lib/text/clean";
import { usePeople } from "../../model/people";
import { useMessage } from "../../model/messages";
import { useSession } from "../../model/session";
import styles from "./Message.module.css";

interface QuoteProps {
  conversation: string;
  seq: number;
  onGo: (seq: number) => void;
}

/** What a message answers. Pressing it goes there. */
export function Quote({ conversation, seq, onGo }: QuoteProps) {
  const { client } = useSession();
  const nameOf = usePeople();
  const held = useMessage(conversation, seq);
  const asked = useQuery({
    queryKey: ["message", conversation, seq],
    queryFn: () => client.message(conversation, seq),
    enabled: !held,
  });
  const message = held ?? asked.data;
  const isMine = message?.sender === client.state.me;
  const name = message ? (isMine ? t("chats.you") : nameOf(message.sender)) : "";
  const text =
    message && !message.hidden
      ? message.deletedAt
        ? t("message.deleted")
        : gist(message.content, 240)
      : t("message.quoteGone");
  return (
    <button type="button" className={styles.quote} onClick={() => onGo(seq)}>
      <span className="sr-only">{t("message.quoted")}</span>
      {name && <bdi className={styles.quoteName}>{name}</bdi>}
      <span dir="auto" className={styles.quoteText}>
        {text}
      </span>
    </button>
  );
}
