import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The repository's folder. */
export const root = fileURLToPath(new URL('..', import.meta.url));

const GENERATED = new Set(['node_modules', 'dist', '.git', '.hailstream', 'results', 'coverage']);

/** Paths of all files that are not generated, from the repository's folder, with slashes. */
export const files = [...filesBelow(root)].map((path) => relative(root, path).replaceAll('\\', '/'));

function* filesBelow(folder: string): Generator<string> {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (GENERATED.has(entry.name)) continue;
    const path = join(folder, entry.name);
    if (entry.isDirectory()) yield* filesBelow(path);
    else yield path;
  }
}

export function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}
