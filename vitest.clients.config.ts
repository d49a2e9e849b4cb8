import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

const conditions = ['@hailstream/source', ...defaultServerConditions];

/**
 * Other people's clients against the embedded broker, and its scenarios against Apache Kafka: `pnpm test:clients`.
 * An argument chooses a part by its folder: `pnpm test:clients java`.
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
    // JVMs and compilers: each of them alone is enough for a machine.
    maxWorkers: 1,
  },
});
