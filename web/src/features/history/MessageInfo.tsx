import { useQuery } from "@tanstack/react-query";
import { t } from "../../lib/i18n";
import { gist, line } from "../../lib/text/clean";
import { fullTime } from "../../lib/time/dates";
import { usePeople } from "../../model/people";
import { useClient } from "../../model/session";
import type { Message } from "../../model/types";
import { Avatar } from "../../ui/Avatar";
import { Dialog } from "../../ui/Dialog";
import styles from "./dialogs.module.css";

/** Who has a message, who has read it, and what it said before. */
export default function MessageInfo({ message, onClose }: { message: Message; onClose: () => void }) {
  const client = useClient();
  const { conversation, seq, rev } = message;
  const seen = useQuery({
    queryKey: ["seenBy", conversation, seq],
    queryFn: () => client.seenBy(message),
    refetchInterval: 5_000,
  });
  const edits = useQuery({
    queryKey: ["edits", conversation, seq, rev],
    queryFn: () => client.edits(message),
    enabled: Boolean(message.editedAt),
  });
  const read = seen.data?.seenBy ?? [];
  const delivered = (seen.data?.deliveredTo ?? []).filter((user) => !read.includes(user));
  return (
    <Dialog title={t("message.info")} onClose={onClose}>
      <blockquote className={styles.quoted} dir="auto">
        {gist(message.content, 300)}
      </blockquote>
      <p className={styles.when}>{t("info.sentAt", { time: fullTime(message.timestamp) })}</p>
      {message.editedAt && <p className={styles.when}>{t("info.editedAt", { time: fullTime(message.editedAt) })}</p>}
      {seen.isError ? (
        <p className={styles.hint}>{t("problem.offline")}</p>
      ) : (
        <>
          <Names title={t("info.seenBy")} users={read} isLoading={seen.isPending} />
          {delivered.length > 0 && <Names title={t("info.deliveredTo")} users={delivered} isLoading={false} />}
        </>
      )}
      {edits.data && edits.data.length > 1 && (
        <section>
          <h3 className={styles.head}>{t("info.edits")}</h3>
          <ol className={styles.edits}>
            {edits.data.slice(0, -1).map((version) => (
              <li key={version.timestamp}>
                <time>{fullTime(version.timestamp)}</time>
                <p dir="auto">{line(version.content, 500)}</p>
              </li>
            ))}
          </ol>
        </section>
      )}
    </Dialog>
  );
}

function Names({ title, users, isLoading }: { title: string; users: string[]; isLoading: boolean }) {
  const nameOf = usePeople();
  return (
    <section>
      <h3 className={styles.head}>{title}</h3>
      <ul className={styles.people} aria-label={title}>
        {users.map((user) => (
          <li key={user}>
            <Avatar id={user} name={nameOf(user)} size="small" />
            <bdi>{nameOf(user)}</bdi>
          </li>
        ))}
        {users.length === 0 && <li className={styles.hint}>{t(isLoading ? "common.loading" : "info.nobody")}</li>}
      </ul>
    </section>
  );
}
