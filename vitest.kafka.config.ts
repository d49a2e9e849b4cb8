import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const conditions = ['@hailstream/source', ...defaultServerConditions];

/**
 * The whole-system tests, on an Apache Kafka and a Postgres that stand beside the system: `pnpm test:kafka`. What is
 * tested, and how, is what the project `system` of `npm test` has.
 */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    name: 'kafka',
    include: ['test/**/*.test.ts'],
    globalSetup: ['tools/src/test-postgres.ts', 'test/_given-kafka.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // Each of them is a whole system.
    maxWorkers: 1,
  },
});
