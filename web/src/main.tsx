import "./ui/tokens.css";
import "./ui/base.css";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app/App";

const OLD_MS = 60_000;

// A newer version has been put in place of this one while it was open: its parts are gone, and the page begins anew. Of one
// that has just begun they are not gone, and where there is no line nothing would begin.
addEventListener("vite:preloadError", () => {
  if (navigator.onLine && performance.now() > OLD_MS) location.reload();
});

const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}

if (import.meta.env.PROD && "serviceWorker" in navigator) {
  addEventListener("load", () => void navigator.serviceWorker.register("/sw.js").catch(() => {}));
}
