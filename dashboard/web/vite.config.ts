import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';
import { compress } from './compress.ts';
import { maplibre } from './maplibre.ts';

// The server that `npm run dev` asks for the API; a built page asks the server that served it.
const api = process.env['SANAK_URL'] ?? 'http://127.0.0.1:8080';

/** The font is asked for with the page, not when its style has been read. */
const font: Plugin = {
  name: 'font-first',
  transformIndexHtml: {
    order: 'post',
    handler(_, { bundle }) {
      const file = Object.keys(bundle ?? {}).find((name) => name.endsWith('.woff2'));
      if (!file) return [];
      return [{ tag: 'link', attrs: { rel: 'preload', as: 'font', type: 'font/woff2', crossorigin: '', href: `/${file}` }, injectTo: 'head' }];
    },
  },
};

export default defineConfig({
  plugins: [maplibre(), svelte(), font, compress()],
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
