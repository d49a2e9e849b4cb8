import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { brotliCompress, constants, gzip } from 'node:zlib';
import react from '@vitejs/plugin-react';
import { defineConfig, loadEnv, type Plugin } from 'vite';

// In development, Vite serves the page and forwards its requests to the realtime service.
const { REALTIME_URL: realtimeUrl = 'http://127.0.0.1:4001' } = loadEnv('', import.meta.dirname, 'REALTIME_');
const paths = [
  '/city',
  '/commands',
  '/session',
  '/vehicles',
  '/providers',
  '/search',
  '/stats',
  '/dead-letters',
  '/history',
];

export default defineConfig({
  plugins: [react(), preCompress()],
  resolve: {
    conditions: ['@hailstream/source', 'module', 'browser', 'development|production'],
    // The build of MapLibre that loads its worker from a file instead of a blob.
    alias: [{ find: /^maplibre-gl$/, replacement: 'maplibre-gl/dist/maplibre-gl-csp.js' }],
  },
  server: {
    host: '127.0.0.1',
    proxy: {
      ...Object.fromEntries(paths.map((path) => [path, realtimeUrl])),
      '/socket.io': { target: realtimeUrl, ws: true },
    },
  },
  build: {
    target: 'es2023',
    // The map is a separate chunk, larger than Vite's default limit.
    chunkSizeWarningLimit: 1100,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            { name: 'preload', test: /vite[\\/]preload-helper/, priority: 1 },
            { name: 'maplibre', test: /node_modules[\\/](\.pnpm[\\/])?maplibre-gl/ },
            {
              name: 'deck',
              test: /node_modules[\\/].*(deck\.gl|luma\.gl|math\.gl|loaders\.gl|probe\.gl|mjolnir)/,
            },
            { name: 'react', test: /node_modules[\\/].*(react|react-dom|scheduler)[\\/]/ },
          ],
        },
      },
    },
  },
});

/** Writes a `.br` and a `.gz` next to each file that is smaller compressed: the realtime service sends them as they are. */
function preCompress(): Plugin {
  const compressors = {
    // Quality 11 saves another tenth, and takes twenty times as long.
    br: (data: Buffer) =>
      promisify(brotliCompress)(data, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
    gz: (data: Buffer) => promisify(gzip)(data, { level: 9 }),
  };
  return {
    name: 'pre-compress',
    apply: 'build',
    async writeBundle({ dir = '' }) {
      const files = await readdir(dir, { recursive: true });
      const compressible = files.filter((file) => /\.(html|js|css|svg)$/.test(file));
      await Promise.all(
        compressible.map(async (file) => {
          const data = await readFile(join(dir, file));
          for (const [extension, compress] of Object.entries(compressors)) {
            const compressed = await compress(data);
            if (compressed.length < data.length)
              await writeFile(join(dir, `${file}.${extension}`), compressed);
          }
        }),
      );
    },
  };
}
