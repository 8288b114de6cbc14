import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { useCallback, useEffect, useState } from "react";
import { Account } from "../features/account/Account";
import { t } from "../lib/i18n";
import { SessionContext, type Credentials, type Registration, type Session } from "../model/session";
import { Hearth } from "../ui/Hearth";
import styles from "./App.module.css";
import { ErrorBoundary } from "./ErrorBoundary";
import { forgetIdentity, logIn, openSession, register, rememberedIdentity, type Identity } from "./identity";
import { offerInspection } from "./inspect";
import { Shell } from "./Shell";

/** Either somebody is logged in, or is asked to. */
export function App() {
  const [queries] = useState(
    () =>
      new QueryClient({
        defaultOptions: { queries: { retry: 1, staleTime: 60_000, refetchOnWindowFocus: false } },
      }),
  );
  const [identity, setIdentity] = useState<Identity | null>(rememberedIdentity);
  const [session, setSession] = useState<Session | null>(null);
  const [notice, setNotice] = useState<string | null>(null);

  const leave = useCallback(
    (why: string | null) => {
      forgetIdentity();
      queries.clear();
      setNotice(why);
      setSession(null);
      setIdentity(null);
    },
    [queries],
  );

  useEffect(() => {
    if (!identity) return;
    const opening = openSession(identity, {
      onLoggedOut: () => leave(null),
      onTurnedAway: () => leave(`${t("account.loggedOut")} ${t("account.waitingKept")}`),
    });
    let isCurrent = true;
    void opening.then((opened) => isCurrent && setSession(opened));
    return () => {
      isCurrent = false;
      void opening.then((opened) => opened.client.close());
    };
  }, [identity, leave]);

  useEffect(() => (session ? offerInspection(session.client) : undefined), [session]);

  // Another tab has logged in or out.
  useEffect(() => {
    const changed = () => {
      const now = rememberedIdentity();
      if (now?.token !== identity?.token) {
        setSession(null);
        setIdentity(now);
      }
    };
    addEventListener("storage", changed);
    return () => removeEventListener("storage", changed);
  }, [identity]);

  const enter = (work: Promise<Identity>) =>
    work.then((entered) => {
      setNotice(null);
      setIdentity(entered);
    });

  return (
    <ErrorBoundary>
      <QueryClientProvider client={queries}>
        {!identity ? (
          <Account
            notice={notice}
            logIn={(credentials: Credentials) => enter(logIn(credentials))}
            register={(registration: Registration) => enter(register(registration))}
          />
        ) : session ? (
          <SessionContext value={session}>
            <Shell />
          </SessionContext>
        ) : (
          <div className={styles.opening} role="status" aria-label={t("app.loading")}>
            <Hearth size={64} />
          </div>
        )}
      </QueryClientProvider>
    </ErrorBoundary>
  );
}
