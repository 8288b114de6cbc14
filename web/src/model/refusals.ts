/** What a refusal means to people. */

import { Refused } from "@fireside/client";
import { t } from "../lib/i18n";

export const isRefused = (error: unknown): error is Refused => error instanceof Refused;

export function refusalText(error: unknown): string {
  if (!isRefused(error)) return t("problem.offline");
  switch (error.code) {
    case "rate_limited": {
      const seconds = Number(error.details?.retryAfterS ?? 0);
      return seconds > 0 ? t("problem.tooManyFor", { count: seconds }) : t("problem.tooMany");
    }
    case "unavailable":
      return t("problem.unavailable");
    case "forbidden":
      return t("problem.forbidden");
    case "not_found":
      return t("problem.gone");
    case "conflict":
      return t("problem.conflict");
    case "too_large":
      return t("problem.tooLong");
    default:
      return t("problem.unknown");
  }
}
