/** The emoji this device used last, the newest first. */

const KEY = "fireside.emoji";
const MOST = 18;

export function remembered(): string[] {
  try {
    const found: unknown = JSON.parse(localStorage.getItem(KEY) ?? "[]");
    return Array.isArray(found) ? found.filter((each) => typeof each === "string") : [];
  } catch {
    return [];
  }
}

export function remember(emoji: string): void {
  try {
    const others = remembered().filter((each) => each !== emoji);
    localStorage.setItem(KEY, JSON.stringify([emoji, ...others].slice(0, MOST)));
  } catch {
    // A device that keeps nothing has none that are often used.
  }
}
