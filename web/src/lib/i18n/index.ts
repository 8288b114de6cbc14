/**
 * What the app says. Every string is in one catalogue; another language is another catalogue with the same keys.
 *
 * `{name}` is replaced. An entry with forms is chosen by `count` and the plural rules of the language.
 */

import { en } from "./en";

type Catalogue = typeof en;
export type Key = keyof Catalogue;
type Named<S> = S extends `${string}{${infer Name}}${infer Rest}` ? Name | Named<Rest> : never;
type Names<V> = V extends string ? Named<V> : V extends { other: infer Other } ? Named<Other> | "count" : never;
type Params<V> = [Names<V>] extends [never] ? [] : [Record<Names<V>, string | number>];
type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };

export const language = "en";

/** Times and numbers are as this person writes them, if that is in the language of the rest. */
export const locale =
  globalThis.navigator?.languages?.find((each) => each.startsWith(language) && isKnown(each)) ?? "en-GB";

const plurals = new Intl.PluralRules(language);
const numbers = new Intl.NumberFormat(locale);

/** The string of this key. */
export function t<K extends Key>(key: K, ...params: Params<Catalogue[K]>): string {
  const entry: string | Forms = en[key];
  const values: Record<string, string | number> = params[0] ?? {};
  const text = typeof entry === "string" ? entry : (entry[plurals.select(Number(values.count))] ?? entry.other);
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = values[name];
    return value === undefined ? whole : typeof value === "number" ? numbers.format(value) : value;
  });
}

/** Some browsers name languages that there are not: `en-US@posix`. */
function isKnown(tag: string): boolean {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(tag).length > 0;
  } catch {
    return false;
  }
}

/** Names one after the other: "Ann, Ben and Cem". */
export function listed(names: readonly string[]): string {
  return new Intl.ListFormat(language).format(names);
}
