import { basename, dirname } from 'node:path';
import { ensureTestNeeds } from '@hailstream/tools/test-needs';
import type { TestProject } from 'vitest/node';

/** Fails before the first test with a list of all missing requirements of the selected folders. */
export async function setup(project: TestProject): Promise<void> {
  await ensureTestNeeds(project, {
    command: 'pnpm test:clients',
    partOf: (file) => basename(dirname(file)),
    needs: {
      go: ['go'],
      java: ['java', 'maven'],
      kafka: process.env['KAFKA_BROKERS'] ? [] : ['java', 'maven'],
      kcat: ['kcat'],
      python: ['python'],
    },
  });
}
