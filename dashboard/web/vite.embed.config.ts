import { defineConfig, type Plugin } from 'vite';
import { compress } from './compress.ts';

/**
 * What a page that embeds results loads: `<script src="…/embed/sanak.js" async></script>`. Its name stays and it is kept
 * for minutes only; what it loads has its content's digest in its name, and is kept for ever. It is a plain script.
 */
const entry: Plugin = {
  name: 'sanak-entry',
  generateBundle(_, bundle) {
    const elements = Object.values(bundle).find((file) => file.type === 'chunk' && file.isEntry);
    if (!elements) this.error('the elements were not built');
    // A plain script of another origin has no base to resolve from; loaded as a module it is no current script.
    const own = `(document.currentScript || document.querySelector('script[src*="/embed/sanak.js"]')).src`;
    this.emitFile({ type: 'asset', fileName: 'sanak.js', source: `import(new URL("${elements.fileName}", ${own}).href);\n` });
  },
};

// What other pages load, apart from the page so that they load nothing of it. Addresses are relative to the program's
// own, since the page around is of another origin.
export default defineConfig({
  base: './',
  publicDir: false,
  plugins: [entry, compress()],
  build: {
    target: 'es2022',
    outDir: 'dist/embed',
    emptyOutDir: false,
    modulePreload: false,
    rolldownOptions: {
      input: { elements: 'src/embed/elements.ts' },
      output: { entryFileNames: 'assets/[name]-[hash].js', chunkFileNames: 'assets/[name]-[hash].js' },
    },
  },
});
