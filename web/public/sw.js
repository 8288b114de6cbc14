/*
 * Keeps the app itself, so that it opens without a line; what was said is kept by the app, not here.
 *
 * The page is asked for from the server first, and taken from what is kept where the server does not answer. Files
 * under /assets/ carry a hash of what is in them in their names: what is kept of them is always right.
 */

const KEPT = "fireside-shell-1";
const PAGE = "/";

self.addEventListener("install", (event) => {
  const keep = async () => {
    const cache = await caches.open(KEPT);
    await cache.addAll([PAGE, "/theme.js", "/manifest.webmanifest", "/icons/icon.svg"]);
    await keepFiles(cache);
    await self.skipWaiting();
  };
  event.waitUntil(keep());
});

self.addEventListener("activate", (event) => {
  const old = (names) => names.filter((name) => name.startsWith("fireside-shell-") && name !== KEPT);
  event.waitUntil(
    caches
      .keys()
      .then((names) => Promise.all(old(names).map((name) => caches.delete(name))))
      .then(() => self.clients.claim()),
  );
});

self.addEventListener("fetch", (event) => {
  const { request } = event;
  const url = new URL(request.url);
  if (request.method !== "GET" || url.origin !== location.origin) return;
  if (url.pathname.startsWith("/api/") || url.pathname.startsWith("/socket.io/")) return;
  if (request.mode === "navigate") {
    if (url.pathname === PAGE) event.respondWith(page(request));
  } else if (/^\/(assets|icons)\/|^\/(theme\.js|manifest\.webmanifest)$/.test(url.pathname)) {
    event.respondWith(file(request, url.pathname.startsWith("/assets/")));
  }
});

async function page(request) {
  const cache = await caches.open(KEPT);
  const kept = await cache.match(PAGE);
  try {
    const response = await fetch(request);
    if (response.ok) await replace(cache, kept, response.clone());
    return response;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

/** Another page is another version: it is kept once all of its files are. */
async function replace(cache, kept, response) {
  const text = await response.clone().text();
  if (kept && (await kept.clone().text()) === text) return;
  try {
    await keepFiles(cache);
    await cache.put(PAGE, response);
  } catch {
    // The line broke: the version before is whole, and the next visit tries again.
  }
}

/** Keep what this version consists of, dialogs that nobody has opened yet included, and nothing of the one before. */
async function keepFiles(cache) {
  const parts = Object.values(await (await fetch("/files.json", { cache: "no-cache" })).json());
  const paths = new Set(
    parts.flatMap(({ file, css = [], assets = [] }) => [file, ...css, ...assets]).map((each) => `/${each}`),
  );
  const held = (await cache.keys())
    .map((request) => new URL(request.url).pathname)
    .filter((path) => path.startsWith("/assets/"));
  await cache.addAll([...paths].filter((path) => !held.includes(path)));
  await Promise.all(held.filter((path) => !paths.has(path)).map((path) => cache.delete(path)));
}

async function file(request, isForEver) {
  const cache = await caches.open(KEPT);
  const kept = await cache.match(request);
  if (kept && isForEver) return kept;
  try {
    const response = await fetch(request);
    if (response.ok) await cache.put(request, response.clone());
    return response;
  } catch (error) {
    if (kept) return kept;
    throw error;
  }
}

self.addEventListener("notificationclick", (event) => {
  event.notification.close();
  const target = `/#/c/${event.notification.data.conversation}`;
  event.waitUntil(
    self.clients.matchAll({ type: "window" }).then(async ([first]) => {
      if (!first) return self.clients.openWindow(target);
      first.postMessage({ open: event.notification.data.conversation });
      return first.focus();
    }),
  );
});
