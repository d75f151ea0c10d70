// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vite'

// Files only: no inline script or style, so that the server's strict policy for content holds.
export default defineConfig({
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: { outDir: 'dist', emptyOutDir: true, target: 'es2022', assetsInlineLimit: 0, modulePreload: { polyfill: false } },
})
