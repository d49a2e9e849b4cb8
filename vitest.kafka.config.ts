import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

// Node does not know the condition `module`, which names files that only bundlers can resolve.
const conditions = ['@hailstream/source', ...defaultServerConditions.filter((name) => name !== 'module')];

/**
 * The system tests on an external Apache Kafka and Postgres: `pnpm test:kafka`. The tests are those of the project
 * `system` of `npm test`.
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
    // Each test runs a whole system.
    maxWorkers: 1,
  },
});
