import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readRouterFile } from '../src/router-file/router-file.js';

describe('router files of the repository', () => {
  it.each(['apps/router/example.yaml', 'docker/router.yaml', 'deploy/kubernetes/router/jobs.yaml'])(
    '%s is valid',
    (path) => {
      const jobs = readRouterFile(fileURLToPath(new URL(`../../../${path}`, import.meta.url)));
      expect(jobs.map(({ name }) => name)).toEqual(['lake']);
    },
  );
});
