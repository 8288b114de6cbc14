import { LogOut } from "lucide-react";
import { Suspense, useState } from "react";
import { t } from "../../lib/i18n";
import { useSelected } from "../../model/client";
import { preferences, usePreferences, type Preferences } from "../../model/preferences";
import { refusalText } from "../../model/refusals";
import { useSession } from "../../model/session";
import { Avatar } from "../../ui/Avatar";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { part } from "../../ui/part";
import { Switch } from "../../ui/Switch";
import { toasts } from "../../ui/toasts";
import styles from "./Settings.module.css";

const Confirm = part(async () => ({ default: (await import("../../ui/Dialog")).Confirm }));

const THEMES: Preferences["theme"][] = ["auto", "light", "dark"];
const isMac = /Mac|iPhone|iPad/.test(navigator.userAgent);
const KEYS = [
  [isMac ? "⌘ K" : "Ctrl K", "keys.find"],
  ["↑ ↓", "keys.move"],
  ["Alt ↑ ↓", "keys.next"],
  ["↑", "keys.editLast"],
  ["Esc", "keys.back"],
] as const;

/** What somebody can set, and how to log out. */
export default function Settings({ onClose }: { onClose: () => void }) {
  const { client, me, username, logOut } = useSession();
  const { theme, notifications, enterSends } = usePreferences();
  const [isLeaving, setLeaving] = useState(false);
  const readReceipts = useSelected((current) => current.state.readReceipts ?? true);
  const isBlocked = !("Notification" in globalThis) || Notification.permission === "denied";

  const showReading = async (shown: boolean) => {
    try {
      await client.showReading(shown);
    } catch (error) {
      toasts.problem(refusalText(error));
    }
  };
  const notify = async (wanted: boolean) => {
    const isAllowed = wanted && (await Notification.requestPermission()) === "granted";
    preferences.set({ notifications: isAllowed });
  };

  return (
    <Dialog title={t("settings.title")} onClose={onClose}>
      <div className={styles.settings}>
        <div className={styles.me}>
          <Avatar id={me} name={username} />
          <bdi>{username}</bdi>
          <Button look="danger" onClick={() => setLeaving(true)}>
            <LogOut size={18} /> {t("settings.logOut")}
          </Button>
        </div>
        <section>
          <h3 className={styles.head} id="theme">
            {t("settings.theme")}
          </h3>
          <div className={styles.themes} role="radiogroup" aria-labelledby="theme">
            {THEMES.map((each) => (
              <label key={each}>
                <input
                  type="radio"
                  name="theme"
                  checked={theme === each}
                  onChange={() => preferences.set({ theme: each })}
                />
                <span>{t(`settings.${each}`)}</span>
              </label>
            ))}
          </div>
        </section>
        <Switch
          label={t("settings.receipts")}
          hint={t("settings.receiptsHint")}
          checked={readReceipts}
          onChange={(shown) => void showReading(shown)}
        />
        <Switch
          label={t("settings.notifications")}
          hint={t(isBlocked ? "settings.notificationsBlocked" : "settings.notificationsHint")}
          checked={notifications && !isBlocked}
          disabled={isBlocked}
          onChange={(wanted) => void notify(wanted)}
        />
        <Switch
          label={t("settings.enterSends")}
          checked={enterSends}
          onChange={(sends) => preferences.set({ enterSends: sends })}
        />
        <section className={styles.keyboard}>
          <h3 className={styles.head}>{t("settings.keys")}</h3>
          <dl className={styles.keys}>
            {KEYS.map(([keys, what]) => (
              <div key={what}>
                <dt>
                  <kbd>{keys}</kbd>
                </dt>
                <dd>{t(what)}</dd>
              </div>
            ))}
          </dl>
        </section>
      </div>
      {isLeaving && (
        <Suspense fallback={null}>
          <Confirm
            title={t("settings.logOutTitle")}
            hint={t("settings.logOutHint")}
            action={t("settings.logOut")}
            onConfirm={() => void logOut()}
            onClose={() => setLeaving(false)}
          />
        </Suspense>
      )}
    </Dialog>
  );
}
