import react from '@vitejs/plugin-react';
import { defineConfig, loadEnv } from 'vite';

// In development, Vite serves the page and forwards its requests to the realtime service.
const { REALTIME_URL: realtimeUrl = 'http://127.0.0.1:4001' } = loadEnv('', import.meta.dirname, 'REALTIME_');
const paths = ['/city', '/vehicles', '/stats'];

export default defineConfig({
  plugins: [react()],
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
