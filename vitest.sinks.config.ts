import { defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

// Node does not know the condition `module`, which names files that only bundlers can resolve.
const conditions = ['@hailstream/source', ...defaultServerConditions.filter((name) => name !== 'module')];

/**
 * The router with versitygw, OpenSearch, Apache Kafka, and programs that read what it and exports store: `pnpm test:sinks`.
 * An argument selects a part by its file: `pnpm test:sinks s3`.
 */
export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    name: 'sinks',
    include: ['apps/router/test/sinks/*.test.ts', 'apps/batch/test/readers/*.test.ts'],
    globalSetup: ['apps/router/test/sinks/needs.ts', 'tools/src/test-postgres.ts'],
    testTimeout: 180_000,
    // The first run downloads and compiles.
    hookTimeout: 900_000,
    // JVMs: one at a time.
    maxWorkers: 1,
  },
});
