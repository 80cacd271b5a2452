import { defineConfig } from "vite";
import { licences } from "./build/licences.js";

/** Fixed file names and no source maps: the bundle is committed, and CI compares it with a new build. */
export default defineConfig({
  base: "./",
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  plugins: [licences()],
  build: {
    outDir: "../../src/archnet/studio/page",
    emptyOutDir: true,
    sourcemap: false,
    target: ["chrome123", "firefox121", "safari17.5"],
    cssCodeSplit: false,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 800,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      output: {
        entryFileNames: "studio.js",
        assetFileNames: "studio[extname]",
        codeSplitting: false,
      },
    },
  },
});
