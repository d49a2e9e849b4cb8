import { fileURLToPath } from 'node:url';

/** The repository's folder, from here (`tools/dist` or `tools/src`). */
export const repositoryRoot = fileURLToPath(new URL('../../', import.meta.url));

/** The program of an app or a lib, by its path in the repository. */
export function programFile(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}
