import { availableParallelism } from 'node:os';
import { defaultServerConditions } from 'vite';
import { configDefaults, defineConfig } from 'vitest/config';

// Workspace packages resolve to their sources, so that tests need no build.
// `import` is not named: vitest would have Node prefer it in `require` too.
const conditions = ['@hailstream/source', ...defaultServerConditions];
const resolution = { resolve: { conditions }, ssr: { resolve: { conditions } } };

// Most tests wait for a broker or a clock: more of them at a time than there are processors.
const maxWorkers = availableParallelism() + 1;

export default defineConfig({
  test: {
    projects: [
      {
        ...resolution,
        test: {
          name: 'unit',
          include: ['{apps,libs}/*/src/**/*.test.{ts,tsx}', 'tools/**/*.test.ts', 'bench/**/*.test.ts'],
          maxWorkers,
        },
      },
      {
        ...resolution,
        test: {
          name: 'integration',
          include: ['{apps,libs}/*/test/**/*.test.ts'],
          // They need what npm can't bring: vitest.clients.config.ts.
          exclude: [...configDefaults.exclude, 'libs/log/test/clients/**'],
          globalSetup: ['tools/src/test-postgres.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          maxWorkers,
        },
      },
      {
        ...resolution,
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          // Each of them is a whole system: alone, and after all others.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
