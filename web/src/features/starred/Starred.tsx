import { useInfiniteQuery, useQueries } from "@tanstack/react-query";
import { StarOff } from "lucide-react";
import { t } from "../../lib/i18n";
import { gist } from "../../lib/text/clean";
import { listTime } from "../../lib/time/dates";
import { usePeople } from "../../model/people";
import { useClient } from "../../model/session";
import { Button, IconButton } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { Empty } from "../../ui/Empty";
import styles from "./Starred.module.css";

const PAGE = 30;

interface StarredProps {
  titleOf: (conversation: string) => string;
  onGoTo: (conversation: string, seq: number) => void;
  onClose: () => void;
}

/** What this person wanted to find again, the newest star first. */
export default function Starred({ titleOf, onGoTo, onClose }: StarredProps) {
  const client = useClient();
  const nameOf = usePeople();
  const stars = useInfiniteQuery({
    queryKey: ["starred"],
    queryFn: ({ pageParam }) => client.starred(pageParam, PAGE),
    initialPageParam: undefined as number | undefined,
    getNextPageParam: (page) => (page.more ? page.entries.at(-1)?.n : undefined),
    staleTime: 0,
  });
  const entries = stars.data?.pages.flatMap((page) => page.entries) ?? [];
  const messages = useQueries({
    queries: entries.map(({ conversation, seq = 0 }) => ({
      queryKey: ["message", conversation, seq],
      queryFn: () => client.message(conversation, seq),
    })),
  });
  const unstar = async (index: number) => {
    const message = messages[index]?.data;
    if (!message) return;
    await client.star(message, false);
    await stars.refetch();
  };
  return (
    <Dialog title={t("starred.title")} onClose={onClose}>
      {stars.isPending && <p className={styles.note}>{t("common.loading")}</p>}
      {stars.isError && <p className={styles.note}>{t("problem.offline")}</p>}
      {stars.data && entries.length === 0 && <Empty title={t("starred.none")} hint={t("starred.noneHint")} />}
      <ul className={styles.list}>
        {entries.map(({ n, conversation, seq = 0 }, index) => {
          const message = messages[index]?.data;
          if (!message || message.deletedAt || message.hidden) return null;
          return (
            <li key={n} className={styles.item}>
              <button type="button" className={styles.press} onClick={() => onGoTo(conversation, seq)}>
                <span className={styles.top}>
                  <bdi>{message.sender === client.state.me ? t("chats.you") : nameOf(message.sender)}</bdi>
                  <bdi className={styles.where}>{titleOf(conversation)}</bdi>
                  <time>{listTime(message.timestamp, Date.now())}</time>
                </span>
                <span className={styles.text} dir="auto">
                  {gist(message.content, 300)}
                </span>
              </button>
              <IconButton label={t("message.unstar")} onClick={() => void unstar(index)}>
                <StarOff size={17} />
              </IconButton>
            </li>
          );
        })}
      </ul>
      {stars.hasNextPage && <Button onClick={() => void stars.fetchNextPage()}>{t("starred.more")}</Button>}
    </Dialog>
  );
}
