/** Times as people say them. `now` is given, so that what is shown can be tried at any hour. */

import { locale, t } from "../i18n";

const DAY_MS = 86_400_000;

const formats = {
  clock: new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit" }),
  weekday: new Intl.DateTimeFormat(locale, { weekday: "long" }),
  shortWeekday: new Intl.DateTimeFormat(locale, { weekday: "short" }),
  day: new Intl.DateTimeFormat(locale, { weekday: "long", day: "numeric", month: "long" }),
  dayOfYear: new Intl.DateTimeFormat(locale, { day: "numeric", month: "long", year: "numeric" }),
  shortDay: new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" }),
  shortDayOfYear: new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", year: "2-digit" }),
  full: new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" }),
};

type Time = string | number;

/** 9:42 */
export const clock = (time: Time): string => formats.clock.format(new Date(time));

/** Everything there is to say of a time. */
export const fullTime = (time: Time): string => formats.full.format(new Date(time));

/** Which day it is here: equal for two times of the same day alone. */
export function dayOf(time: Time): number {
  const date = new Date(time);
  return Math.round(Date.UTC(date.getFullYear(), date.getMonth(), date.getDate()) / DAY_MS);
}

/** The head of a day in a conversation: Today, Yesterday, Monday, Monday 3 March, 3 March 2021. */
export function dayTitle(time: Time, now: number): string {
  const date = new Date(time);
  const ago = dayOf(now) - dayOf(time);
  if (ago === 0) return t("time.today");
  if (ago === 1) return t("time.yesterday");
  if (ago > 1 && ago < 7) return formats.weekday.format(date);
  return date.getFullYear() === new Date(now).getFullYear() ? formats.day.format(date) : formats.dayOfYear.format(date);
}

/** In a list: 9:42, Yesterday, Mon, 3 Mar, 3 Mar 21. */
export function listTime(time: Time, now: number): string {
  const date = new Date(time);
  const ago = dayOf(now) - dayOf(time);
  if (ago <= 0) return clock(time);
  if (ago === 1) return t("time.yesterday");
  if (ago < 7) return formats.shortWeekday.format(date);
  const isThisYear = date.getFullYear() === new Date(now).getFullYear();
  return isThisYear ? formats.shortDay.format(date) : formats.shortDayOfYear.format(date);
}

/** When somebody was there last. */
export function lastSeen(time: Time, now: number): string {
  const minutes = Math.floor((now - new Date(time).getTime()) / 60_000);
  if (minutes < 1) return t("presence.justNow");
  if (minutes < 60) return t("presence.minutesAgo", { count: minutes });
  const ago = dayOf(now) - dayOf(time);
  if (ago === 0) return t("presence.today", { time: clock(time) });
  if (ago === 1) return t("presence.yesterday", { time: clock(time) });
  return t("presence.on", { day: listTime(time, now) });
}
