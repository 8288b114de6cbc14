import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const SERVER = process.env.FIRESIDE_SERVER ?? "http://127.0.0.1:5000";

export default defineConfig({
    plugins: [react()],
    resolve: {
        alias: { "@fireside/client": fileURLToPath(new URL("./packages/client/src/index.ts", import.meta.url)) },
    },
    // The server's Content-Security-Policy: nothing inline, no data: but images.
    // files.json names every file of the build to the service worker.
    build: { target: "es2023", assetsInlineLimit: 0, modulePreload: { polyfill: false }, manifest: "files.json" },
    preview: { port: 5090 },
    server: {
        proxy: { "/api": SERVER, "/socket.io": { target: SERVER, ws: true } },
    },
});
