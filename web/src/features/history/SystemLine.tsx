import { usePeople } from "../../model/people";
import { systemText } from "../../model/system";
import { useClient } from "../../model/session";
import type { Message } from "../../model/types";
import styles from "./Message.module.css";

/** What happened to the group. */
export function SystemLine({ message }: { message: Message }) {
  const nameOf = usePeople();
  const { me } = useClient().state;
  return (
    <div className={styles.center}>
      <p className={styles.system} data-seq={message.seq} tabIndex={-1}>
        {systemText(message, me, nameOf)}
      </p>
    </div>
  );
}
