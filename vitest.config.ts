import { availableParallelism } from 'node:os';
import { defaultServerConditions } from 'vite';
import { configDefaults, defineConfig } from 'vitest/config';

// Workspace packages resolve to their sources, so that tests need no build.
// `import` is not listed, because vitest would also apply it to `require`.
// Node does not know the condition `module`, which names files that only bundlers can resolve.
const conditions = ['@hailstream/source', ...defaultServerConditions.filter((name) => name !== 'module')];
const resolution = { resolve: { conditions }, ssr: { resolve: { conditions } } };

// Most tests wait for a broker or a timer, so run more files concurrently than there are processors.
const maxWorkers = availableParallelism() + 1;

export default defineConfig({
  test: {
    projects: [
      {
        ...resolution,
        test: {
          name: 'unit',
          include: ['{apps,libs}/*/src/**/*.test.{ts,tsx}', 'tools/**/*.test.ts', 'bench/**/*.test.ts'],
          // Only detects tests that hang: on a busy machine, any test can take several times its usual duration.
          testTimeout: 60_000,
          maxWorkers,
        },
      },
      {
        ...resolution,
        test: {
          name: 'integration',
          include: ['{apps,libs}/*/test/**/*.test.ts'],
          // They have requirements that npm cannot install: vitest.clients.config.ts, vitest.sinks.config.ts.
          exclude: [
            ...configDefaults.exclude,
            'libs/log/test/clients/**',
            'apps/router/test/sinks/**',
            'apps/batch/test/readers/**',
          ],
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
          // Each file runs a whole system, so they run one at a time, after all others.
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
