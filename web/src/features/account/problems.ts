/** What is wrong with what somebody filled in, at its field: what can be seen here, and what the server says. */

import { t } from "../../lib/i18n";
import { isRefused, refusalText } from "../../model/refusals";
import type { Registration } from "../../model/session";

export interface Problem {
  field: "username" | "email" | "password" | null;
  text: string;
}

const USERNAME = /^[A-Za-z0-9_.-]{3,32}$/;
const EMAIL = /^[^@\s]+@[^@\s]+$/;

/** What can be told before the server is asked. */
export function check({ username, email, password }: Registration, isNew: boolean): Problem | null {
  if (!username) return { field: "username", text: t("problem.empty") };
  if (!isNew) return password ? null : { field: "password", text: t("problem.empty") };
  if (!USERNAME.test(username)) return { field: "username", text: t("problem.username") };
  if (!EMAIL.test(email)) return { field: "email", text: t("problem.email") };
  const bytes = new TextEncoder().encode(password).length;
  return bytes < 8 || bytes > 72 ? { field: "password", text: t("problem.password") } : null;
}

/** What the server, or the line to it, says. */
export function problemOf(error: unknown): Problem {
  if (!isRefused(error)) return { field: null, text: t("problem.offline") };
  if (error.code === "invalid_credentials") return { field: "password", text: t("problem.credentials") };
  if (error.code === "conflict") return { field: "username", text: t("problem.taken") };
  const field = error.details?.field;
  if (error.code === "invalid_input" && (field === "username" || field === "email" || field === "password")) {
    return { field, text: t(`problem.${field}`) };
  }
  return { field: null, text: refusalText(error) };
}
