import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

// Node does not know the condition `module`, which names files that only bundlers can resolve.
const conditions = ['@hailstream/source', ...defaultServerConditions.filter((name) => name !== 'module')];

/**
 * Third-party clients against the embedded broker, and its scenarios against Apache Kafka: `pnpm test:clients`.
 * An argument selects a part by its folder: `pnpm test:clients java`.
 */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    name: 'clients',
    include: ['libs/log/test/clients/*/*.test.ts'],
    globalSetup: ['libs/log/test/clients/needs.ts'],
    testTimeout: 180_000,
    hookTimeout: 300_000,
    // JVMs and compilers: one at a time.
    maxWorkers: 1,
  },
});
