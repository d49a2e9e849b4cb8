import { basename } from 'node:path';
import { ensureTestNeeds } from '@hailstream/tools/test-needs';
import type { TestProject } from 'vitest/node';

/** Fails before the first test with a list of all missing requirements of the selected files. */
export async function setup(project: TestProject): Promise<void> {
  await ensureTestNeeds(project, {
    command: 'pnpm test:sinks',
    partOf: (file) => basename(file, '.test.ts'),
    needs: {
      'dead-letters': ['java', 'maven'],
      'export-readers': ['python'],
      kafka: ['java', 'maven'],
      opensearch: ['java', 'maven'],
      'opensearch-erasures': ['java', 'maven'],
      readers: ['go', 'python'],
      s3: ['go'],
      webhook: [],
    },
  });
}
