/**
 * What people are called. A name never changes, so one that is known stays known. The client knows those it was told
 * of; the others are asked for, some at a time, when somebody looks.
 */

import type { Client } from "@fireside/client";
import { useMemo, useSyncExternalStore } from "react";
import { useSession } from "./session";

const AT_ONCE = 4;

export class People {
  /** Counts what has become known. */
  version = 0;
  private readonly names = new Map<string, string>();
  private readonly wanted = new Set<string>();
  private readonly asked = new Set<string>();
  private readonly listeners = new Set<() => void>();

  constructor(private readonly client: Client) {}

  /** The name, or nothing as long as it is not known. */
  nameOf(id: string): string {
    if (!id) return "";
    const known = this.names.get(id) ?? this.client.state.people[id];
    if (known === undefined && !this.asked.has(id)) {
      this.wanted.add(id);
      queueMicrotask(() => void this.work());
    }
    return known ?? "";
  }

  /** Somebody was found by other ways. */
  learn(id: string, name: string): void {
    if (this.names.get(id) === name) return;
    this.names.set(id, name);
    this.version++;
    this.listeners.forEach((listener) => listener());
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  };

  private async work(): Promise<void> {
    while (this.asked.size < AT_ONCE) {
      const [id] = this.wanted;
      if (id === undefined) return;
      this.wanted.delete(id);
      this.asked.add(id);
      try {
        this.learn(id, (await this.client.user(id)).username);
      } catch {
        // The line is down: whoever looks again asks again.
      }
      this.asked.delete(id);
    }
  }
}

/** Names by ids; the component is drawn again when one becomes known. */
export function usePeople(): (id: string) => string {
  const { people } = useSession();
  const version = useSyncExternalStore(people.subscribe, () => people.version);
  // oxlint-disable-next-line react-hooks/exhaustive-deps
  return useMemo(() => (id: string) => people.nameOf(id), [people, version]);
}
