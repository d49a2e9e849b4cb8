import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

// Workspace packages resolve to their sources, so that tests need no build.
// `import` is not named: vitest would have Node prefer it in `require` too.
const conditions = ['@hailstream/source', ...defaultServerConditions];
const resolution = { resolve: { conditions }, ssr: { resolve: { conditions } } };

export default defineConfig({
  test: {
    projects: [
      {
        ...resolution,
        test: {
          name: 'unit',
          include: ['{apps,libs}/*/src/**/*.test.{ts,tsx}', 'tools/**/*.test.ts', 'bench/**/*.test.ts'],
        },
      },
      {
        ...resolution,
        test: {
          name: 'integration',
          include: ['{apps,libs}/*/test/**/*.test.ts'],
          globalSetup: ['tools/src/test-postgres.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...resolution,
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          testTimeout: 300_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
