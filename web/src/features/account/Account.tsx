import { Eye, EyeOff } from "lucide-react";
import { useRef, useState, type FormEvent } from "react";
import { t } from "../../lib/i18n";
import type { Credentials, Registration } from "../../model/session";
import { Button, IconButton } from "../../ui/Button";
import { Field } from "../../ui/Field";
import { Hearth } from "../../ui/Hearth";
import { check, problemOf, type Problem } from "./problems";
import styles from "./Account.module.css";

interface AccountProps {
  /** Why somebody who was logged in has to do it again. */
  notice: string | null;
  logIn: (credentials: Credentials) => Promise<void>;
  register: (registration: Registration) => Promise<void>;
}

/** Who are you? Logging in, and making an account. */
export function Account({ notice, logIn, register }: AccountProps) {
  const [isNew, setNew] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<Problem | null>(null);
  const [isShown, setShown] = useState(false);
  const form = useRef<HTMLFormElement>(null);

  const submit = async (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const data = new FormData(event.currentTarget);
    const value = (name: string) => String(data.get(name) ?? "");
    const said = { username: value("username").trim(), password: value("password"), email: value("email").trim() };
    const found = check(said, isNew);
    setProblem(found);
    if (found) return focus(found);
    setBusy(true);
    try {
      await (isNew ? register(said) : logIn(said));
    } catch (error) {
      const refused = problemOf(error);
      setProblem(refused);
      setBusy(false);
      focus(refused);
    }
  };
  const focus = ({ field }: Problem) =>
    form.current?.querySelector<HTMLInputElement>(`input[name="${field ?? "username"}"]`)?.focus();
  const at = (field: Problem["field"]) => (problem?.field === field ? problem.text : null);
  const turn = () => {
    setNew(!isNew);
    setProblem(null);
  };

  return (
    <main className={styles.page}>
      <section className={styles.card}>
        <Hearth size={56} />
        <p className={styles.brand}>{t("app.name")}</p>
        <h1 className={styles.title}>{t(isNew ? "account.registerTitle" : "account.logInTitle")}</h1>
        <p className={styles.hint}>{isNew ? t("account.registerHint") : t("app.tagline")}</p>
        {notice && !problem && (
          <p className={styles.notice} role="status">
            {notice}
          </p>
        )}
        <form
          ref={form}
          className={styles.form}
          onSubmit={submit}
          noValidate
          aria-label={t(isNew ? "account.register" : "account.logIn")}
        >
          <Field
            label={t("account.username")}
            name="username"
            autoComplete="username"
            autoCapitalize="off"
            spellCheck={false}
            maxLength={32}
            autoFocus
            hint={isNew ? t("account.usernameHint") : undefined}
            problem={at("username")}
          />
          {isNew && (
            <Field
              label={t("account.email")}
              name="email"
              type="email"
              autoComplete="email"
              hint={t("account.emailHint")}
              problem={at("email")}
            />
          )}
          <Field
            label={t("account.password")}
            name="password"
            type={isShown ? "text" : "password"}
            autoComplete={isNew ? "new-password" : "current-password"}
            hint={isNew ? t("account.passwordHint") : undefined}
            problem={at("password")}
            after={
              <IconButton
                label={t(isShown ? "account.hidePassword" : "account.showPassword")}
                onClick={() => setShown(!isShown)}
              >
                {isShown ? <EyeOff size={18} /> : <Eye size={18} />}
              </IconButton>
            }
          />
          {problem && !problem.field && (
            <p className={styles.problem} role="alert">
              {problem.text}
            </p>
          )}
          <Button type="submit" look="main" busy={isBusy} className={styles.submit}>
            {t(isNew ? "account.register" : "account.logIn")}
          </Button>
        </form>
        <p className={styles.turn}>
          {t(isNew ? "account.already" : "account.new")}{" "}
          <button type="button" onClick={turn}>
            {t(isNew ? "account.logIn" : "account.register")}
          </button>
        </p>
      </section>
    </main>
  );
}
