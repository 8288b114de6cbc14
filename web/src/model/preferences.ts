/** What somebody has set for this device. Another tab follows. */

import { useSyncExternalStore } from "react";

export interface Preferences {
  theme: "auto" | "light" | "dark";
  notifications: boolean;
  enterSends: boolean;
  showInfo: boolean;
}

const KEY = "fireside.preferences";
const DEFAULTS: Preferences = { theme: "auto", notifications: false, enterSends: true, showInfo: false };

let current = read();
const listeners = new Set<() => void>();

function read(): Preferences {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem(KEY) ?? "{}") as Partial<Preferences>) };
  } catch {
    return DEFAULTS;
  }
}

function take(next: Preferences): void {
  current = next;
  const { theme } = next;
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
  const color = theme === "light" ? "#fffcf7" : theme === "dark" ? "#1a1714" : null;
  document.querySelectorAll<HTMLMetaElement>('meta[name="theme-color"]').forEach((meta) => {
    meta.content = color ?? (meta.media.includes("dark") ? "#1a1714" : "#fffcf7");
  });
  listeners.forEach((listener) => listener());
}

export const preferences = {
  current: () => current,
  set(changes: Partial<Preferences>): void {
    try {
      localStorage.setItem(KEY, JSON.stringify({ ...current, ...changes }));
    } catch {
      // It holds as long as the page.
    }
    take({ ...current, ...changes });
  },
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};

globalThis.addEventListener?.("storage", (event) => {
  if (event.key === KEY) take(read());
});

export const usePreferences = () => useSyncExternalStore(preferences.subscribe, preferences.current);
