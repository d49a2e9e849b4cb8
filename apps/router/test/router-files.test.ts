import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { readRouterFile } from '../src/router-file/router-file.js';

describe('router files of the repository', () => {
  it.each([
    { path: 'apps/router/example.yaml', jobs: ['lake'] },
    { path: 'docker/router.yaml', jobs: ['lake', 'search'] },
    { path: 'deploy/kubernetes/router/jobs.yaml', jobs: ['lake'] },
  ])('$path is valid', ({ path, jobs }) => {
    const specs = readRouterFile(fileURLToPath(new URL(`../../../${path}`, import.meta.url)));
    expect(specs.map(({ name }) => name)).toEqual(jobs);
  });
});
