import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';
import { compress } from './compress.ts';
import page from './vite.config.ts';

/** The room's page is the public one with another program, and is found by no search engine. */
const shell: Plugin = {
  name: 'room-shell',
  transformIndexHtml: {
    order: 'pre',
    handler: (html) => ({
      html: html.replace('/src/main.ts', '/src/room/main.ts'),
      tags: [{ tag: 'meta', attrs: { name: 'robots', content: 'noindex' }, injectTo: 'head' }],
    }),
  },
  generateBundle: {
    order: 'post',
    handler(_, bundle) {
      const file = bundle['index.html'];
      if (file?.type !== 'asset') this.error('the room has no page');
      delete bundle['index.html'];
      this.emitFile({ type: 'asset', fileName: 'room.html', source: file.source });
    },
  },
};

// The situation room's page, built apart so that no byte of it is in what the public loads.
export default defineConfig({
  publicDir: false,
  plugins: [svelte(), shell, compress()],
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: 'index.html',
      output: { entryFileNames: 'assets/room-[hash].js', chunkFileNames: 'assets/room-[name]-[hash].js', assetFileNames: 'assets/room-[name]-[hash][extname]' },
    },
  },
  ...(page.server ? { server: page.server } : {}),
});
