/** How components see what the client knows. */

import type { Client } from "@fireside/client";
import { useCallback, useRef, useSyncExternalStore } from "react";
import { useClient } from "./session";

/**
 * What `select` makes of what the client knows, whenever that changes. The component is drawn again where the outcome
 * is another one: of an object or a list, where one of its parts is.
 */
export function useSelected<T>(select: (client: Client) => T): T {
  const client = useClient();
  const last = useRef<{ version: number; select: unknown; client: Client; value: T } | null>(null);
  const get = () => {
    const { current } = last;
    const isSame = current?.select === select && current.client === client;
    if (current && isSame && current.version === client.version) return current.value;
    const selected = select(client);
    const value = current && isEqual(current.value, selected) ? current.value : selected;
    last.current = { version: client.version, select, client, value };
    return value;
  };
  return useSyncExternalStore(
    useCallback((listener: () => void) => client.subscribe(listener), [client]),
    get,
  );
}

/** Whether they are the same, or have the same parts. */
export function isEqual(one: unknown, other: unknown): boolean {
  if (Object.is(one, other)) return true;
  if (typeof one !== "object" || typeof other !== "object" || !one || !other) return false;
  if (Array.isArray(one) !== Array.isArray(other)) return false;
  const [parts, others] = [Object.entries(one), Object.entries(other)];
  return (
    Object.getPrototypeOf(one) === Object.getPrototypeOf(other) &&
    !(one instanceof Map || one instanceof Set) &&
    parts.length === others.length &&
    parts.every(([name, value]) => Object.is(value, (other as Record<string, unknown>)[name]))
  );
}
