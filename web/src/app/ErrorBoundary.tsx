import { Component, type ReactNode } from "react";
import { t } from "../lib/i18n";
import { Button } from "../ui/Button";
import styles from "./App.module.css";

/** What is shown where drawing the page has failed. What was to be sent is in the store, and leaves after a new start. */
export class ErrorBoundary extends Component<{ children: ReactNode }, { hasFailed: boolean }> {
  override state = { hasFailed: false };

  static getDerivedStateFromError() {
    return { hasFailed: true };
  }

  override render() {
    if (!this.state.hasFailed) return this.props.children;
    return (
      <main className={styles.failed} role="alert">
        <h1>{t("app.failed")}</h1>
        <p>{t("app.failedHint")}</p>
        <Button look="main" onClick={() => location.reload()}>
          {t("app.reload")}
        </Button>
      </main>
    );
  }
}
