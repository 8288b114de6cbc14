import { useCallback, useSyncExternalStore } from "react";

/** Whether a media query is so. */
export function useMedia(query: string): boolean {
  const subscribe = useCallback(
    (listener: () => void) => {
      const media = matchMedia(query);
      media.addEventListener("change", listener);
      return () => media.removeEventListener("change", listener);
    },
    [query],
  );
  return useSyncExternalStore(subscribe, () => matchMedia(query).matches);
}

/** Whether somebody looks at the page. */
export function useAttention(): boolean {
  return useSyncExternalStore(hearAttention, () => document.visibilityState === "visible" && document.hasFocus());
}

function hearAttention(listener: () => void): () => void {
  const events = ["focus", "blur"] as const;
  events.forEach((event) => addEventListener(event, listener));
  document.addEventListener("visibilitychange", listener);
  return () => {
    events.forEach((event) => removeEventListener(event, listener));
    document.removeEventListener("visibilitychange", listener);
  };
}
