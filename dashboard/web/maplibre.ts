import { fileURLToPath } from 'node:url';
import { transformWithOxc, type Plugin } from 'vite';

const SOURCE = fileURLToPath(new URL('./node_modules/maplibre-gl/src/', import.meta.url));
const WORKER = 'virtual:maplibre-worker';

/**
 * Builds MapLibre from the sources in its package. Its two ready-made files, the map's and its worker's, hold most of
 * the same code: built together they share it, and what nobody uses falls away.
 */
export function maplibre(): Plugin {
  let building = false;
  return {
    name: 'maplibre-from-source',
    enforce: 'pre',
    configResolved({ command }) {
      building = command === 'build';
    },
    resolveId(id) {
      if (id === WORKER) return `\0${WORKER}`;
      if (id === 'maplibre-gl' && building) return `${SOURCE}index.ts`;
      return null;
    },
    // Its classes declare fields that a function called by the constructor sets: to define them would undo that.
    transform(code, id) {
      if (!id.startsWith(SOURCE) || !id.endsWith('.ts')) return null;
      return transformWithOxc(code, id, { typescript: { removeClassFieldsWithoutInitializer: true }, assumptions: { setPublicClassFields: true } });
    },
    load(id) {
      if (id !== `\0${WORKER}`) return null;
      if (!building) return "export { default } from 'maplibre-gl/dist/maplibre-gl-worker.mjs?url';";
      const worker = this.emitFile({ type: 'chunk', id: `${SOURCE}source/worker.ts`, name: 'map-worker' });
      return `export default import.meta.ROLLUP_FILE_URL_${worker};`;
    },
  };
}
