import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';
import { compress } from './compress.ts';
import { maplibre } from './maplibre.ts';

// The server that `npm run dev` asks for the API; a built page asks the server that served it.
const api = process.env['SANAK_URL'] ?? 'http://127.0.0.1:8080';

export default defineConfig({
  plugins: [maplibre(), svelte(), compress()],
  build: {
    target: 'es2022',
    // Nothing is inlined as data: URLs, so that a strict content security policy can name 'self' alone.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
  server: { proxy: { '/api': { target: api, ws: true }, '/embed/': api, '/oembed': api } },
  test: { include: ['src/**/*.test.ts'] },
});
