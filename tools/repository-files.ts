import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { repositoryRoot } from './src/repository.js';

const GENERATED = new Set(['node_modules', 'dist', '.git', '.hailstream', 'results', 'coverage']);

/** Paths of all files that are not generated, from the repository's folder, with slashes. */
export const files = [...filesBelow(repositoryRoot)].map((path) =>
  relative(repositoryRoot, path).replaceAll('\\', '/'),
);

function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (GENERATED.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

/** The text of a file, by its path from the repository's folder. */
export function read(path: string): string {
  return readFileSync(join(repositoryRoot, path), 'utf8');
}
