import { useEffect, useState } from "react";

/** The time, to the minute: "Today" becomes "Yesterday" at midnight though nothing is said. */
export function useNow(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 60_000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
