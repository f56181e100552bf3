import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants } from 'node:zlib';
import type { Plugin } from 'vite';

const TEXT = /\.(js|mjs|css)$/;
/** Below this, compression costs more than it saves. */
const SMALL = 1024;
const compressed = promisify(brotliCompress);

/** Writes beside each file its brotli form, made with all effort: a server has no time for that. */
export function compress(): Plugin {
  return {
    name: 'compress',
    apply: 'build',
    async writeBundle({ dir }, bundle) {
      const files = Object.keys(bundle).filter((name) => TEXT.test(name));
      await Promise.all(
        files.map(async (name) => {
          const path = resolve(dir ?? '.', name);
          const bytes = await readFile(path);
          if (bytes.length < SMALL) return;
          const { BROTLI_PARAM_SIZE_HINT, BROTLI_PARAM_MODE, BROTLI_MODE_TEXT } = constants;
          const params = { [BROTLI_PARAM_SIZE_HINT]: bytes.length, [BROTLI_PARAM_MODE]: BROTLI_MODE_TEXT };
          await writeFile(`${path}.br`, await compressed(bytes, { params }));
        }),
      );
    },
  };
}
