/** What happened to a group, in words. */

import { listed, t } from "../lib/i18n";
import { isolated } from "../lib/text/clean";
import type { Message } from "./types";

export function systemText(message: Message, me: string, nameOf: (user: string) => string): string {
  const change = message.system;
  const who = message.sender === me ? t("system.you") : isolated(nameOf(message.sender));
  const whom = (...users: string[]) =>
    listed(users.map((user) => (user === me ? t("system.youObject") : isolated(nameOf(user)))));
  switch (change?.type) {
    case "groupCreated":
      return t("system.created", { who, title: isolated(change.title) });
    case "groupUpdated":
      if (change.title) return t("system.renamed", { who, title: isolated(change.title) });
      if (change.openHistory !== undefined) return t(change.openHistory ? "system.opened" : "system.closed");
      return t("system.described", { who });
    case "membersAdded":
      return t("system.added", { who, whom: whom(...change.members) });
    case "memberRemoved":
      return t("system.removed", { who, whom: whom(change.member) });
    case "memberLeft":
      return t("system.left", { who });
    case "roleChanged":
      return t(`system.${change.role}`, { who, whom: whom(change.member) });
    default:
      return "";
  }
}

/** Whose names that needs. */
export function namedIn(message: Message): string[] {
  const change = message.system;
  if (change?.type === "membersAdded" || change?.type === "groupCreated")
    return [message.sender, ...(change.members ?? [])];
  return change && "member" in change ? [message.sender, change.member] : [message.sender];
}
