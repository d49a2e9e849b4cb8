import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

// Node does not know the condition `module`, which names files that only bundlers can resolve.
const conditions = ['@hailstream/source', ...defaultServerConditions.filter((name) => name !== 'module')];

/**
 * The integration tests of batch on each supported version of Postgres, as an owner without superuser rights: `pnpm test:postgres`.
 * `--project postgres-15` runs them on one.
 */
export default defineConfig({
  test: {
    projects: [15, 16, 17, 18].map((version) => ({
      resolve: { conditions },
      ssr: { resolve: { conditions } },
      test: {
        name: `postgres-${version}`,
        include: ['apps/batch/test/**/*.test.ts'],
        exclude: [
          // They give rights to roles as a superuser.
          'apps/batch/test/migrate.test.ts',
          'apps/batch/test/reader-role.test.ts',
          // They start processes, whichever the version is.
          'apps/batch/test/*process*.test.ts',
        ],
        globalSetup: ['tools/src/test-postgres-versions.ts'],
        testTimeout: 120_000,
        hookTimeout: 120_000,
        maxWorkers: 2,
      },
    })),
  },
});
