/** Short words on what has just been done, or was not. One at a time: the newest. */

export interface Toast {
  id: number;
  text: string;
  isProblem: boolean;
}

const SHOWN_MS = 4_000;

let current: Toast | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let next = 1;
const listeners = new Set<() => void>();

function show(toast: Toast | null): void {
  current = toast;
  clearTimeout(timer);
  if (toast) timer = setTimeout(() => show(null), SHOWN_MS);
  listeners.forEach((listener) => listener());
}

export const toasts = {
  say: (text: string) => show({ id: next++, text, isProblem: false }),
  problem: (text: string) => show({ id: next++, text, isProblem: true }),
  current: () => current,
  subscribe(listener: () => void): () => void {
    listeners.add(listener);
    return () => listeners.delete(listener);
  },
};
