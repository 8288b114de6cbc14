import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { emoji } from "./emoji.ts";

const SERVER = process.env.FIRESIDE_SERVER ?? "http://127.0.0.1:5000";

const POLICY = [
  "default-src 'self'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "connect-src 'self' ws: wss:",
  "object-src 'none'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

export default defineConfig({
  plugins: [react(), emoji()],
  resolve: {
    alias: { "@fireside/client": fileURLToPath(new URL("./packages/client/src/index.ts", import.meta.url)) },
  },
  // The server's Content-Security-Policy: nothing inline, no data: but images.
  // files.json names every file of the build to the service worker.
  build: { target: "es2023", assetsInlineLimit: 0, modulePreload: { polyfill: false }, manifest: "files.json" },
  // As the server serves it, so that what it forbids is noticed here.
  preview: { headers: { "Content-Security-Policy": POLICY } },
  server: {
    proxy: { "/api": SERVER, "/socket.io": { target: SERVER, ws: true } },
  },
});
