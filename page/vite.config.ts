import { defineConfig } from "vitest/config";

// The server hands out the build at /static/ and its index.html at /.
export default defineConfig(({ command }) => ({
  base: command === "build" ? "/static/" : "/",
  build: {
    outDir: "../src/auralflow/web/static",
    emptyOutDir: true,
    target: ["chrome123", "firefox120", "safari17.5"],
    // The policy of the server allows no `data:` fonts or scripts: every asset is a file.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { "/api": "http://127.0.0.1:8377" } },
  test: { include: ["tests/**/*.test.ts"] },
}));
