import { CloudOff } from "lucide-react";
import { useEffect, useState } from "react";
import { t } from "../lib/i18n";
import { useSelected } from "../model/client";
import { useClient } from "../model/session";
import styles from "./LineBanner.module.css";

/** A line that is back at once is nobody's business. */
const PATIENCE_MS = 1_500;

/** Says when there is no line to the server. */
export function LineBanner() {
  const client = useClient();
  const isOnline = useSelected((current) => current.status === "online");
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    if (isOnline) return setShown(false);
    const timer = setTimeout(() => setShown(true), navigator.onLine ? PATIENCE_MS : 0);
    return () => clearTimeout(timer);
  }, [isOnline]);
  return (
    <div role="status">
      {isShown && (
        <div className={styles.banner}>
          <CloudOff size={18} aria-hidden />
          <span>{t("line.offline")}</span>
          <button type="button" onClick={() => client.reconnectNow()}>
            {t("line.retry")}
          </button>
        </div>
      )}
    </div>
  );
}
