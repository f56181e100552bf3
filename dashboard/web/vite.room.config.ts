import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { compress } from './compress.ts';

// The situation room's page, built apart so that no byte of it is in what the public loads.
export default defineConfig({
  publicDir: false,
  plugins: [svelte(), compress()],
  build: {
    target: 'es2022',
    outDir: 'dist',
    emptyOutDir: false,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rolldownOptions: {
      input: 'room.html',
      output: { entryFileNames: 'assets/room-[hash].js', chunkFileNames: 'assets/room-[name]-[hash].js', assetFileNames: 'assets/room-[name]-[hash][extname]' },
    },
  },
});
