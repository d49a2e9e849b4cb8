import type { TestProject, Vitest } from 'vitest/node';
import { ensureNeeds, type NeedName } from './needs.js';

/** The requirements of tests that `npm test` does not run. */
interface TestNeeds {
  /** The command that runs the tests; parts of them are its arguments. */
  readonly command: string;
  /** The requirements of each part. */
  readonly needs: Readonly<Record<string, readonly NeedName[]>>;
  /** The part that a test file belongs to. */
  partOf(file: string): string;
}

/**
 * Checks the requirements of the selected tests before the first of them runs.
 *
 * @throws MissingNeedsError if any requirement is missing; it lists all
 */
export async function ensureTestNeeds(
  project: TestProject,
  { command, needs, partOf }: TestNeeds,
): Promise<void> {
  const { testFiles } = await project.globTestFiles(chosenBy(project.vitest));
  const parts = [...new Set(testFiles.map((file) => partOf(file)))].sort();
  const unknown = parts.filter((part) => !Object.hasOwn(needs, part));
  if (unknown.length > 0)
    throw new Error(`${command}: the requirements of ${unknown.join(', ')} are not listed`);
  await ensureNeeds(
    `${command} ${parts.join(' ')}`,
    parts.flatMap((part) => needs[part] ?? []),
  );
}

/** The file filters from the command line, which vitest's types do not declare. */
function chosenBy(vitest: Vitest): string[] | undefined {
  return (vitest as Vitest & { filenamePattern?: string[] }).filenamePattern;
}
