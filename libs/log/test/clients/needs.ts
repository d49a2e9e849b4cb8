import { basename, dirname } from 'node:path';
import { ensureNeeds, type NeedName } from '@hailstream/tools/needs';
import type { TestProject, Vitest } from 'vitest/node';

/** The requirements of the tests in each subfolder. */
const NEEDS: Readonly<Record<string, readonly NeedName[]>> = {
  go: ['go'],
  java: ['java', 'maven'],
  kafka: process.env['KAFKA_BROKERS'] ? [] : ['java', 'maven'],
  kcat: ['kcat'],
  python: ['python'],
};

/** Fails before the first test with a list of all missing requirements of the selected parts. */
export async function setup(project: TestProject): Promise<void> {
  const { testFiles } = await project.globTestFiles(chosenBy(project.vitest));
  const parts = new Set(testFiles.map((file) => basename(dirname(file))));
  const unknown = [...parts].filter((part) => !Object.hasOwn(NEEDS, part));
  if (unknown.length > 0) throw new Error(`needs.ts does not list the requirements of ${unknown.join(', ')}`);
  const chosen = [...parts].sort();
  await ensureNeeds(
    `pnpm test:clients ${chosen.join(' ')}`,
    chosen.flatMap((part) => NEEDS[part] ?? []),
  );
}

/** The file filters from the command line, which vitest's types do not declare. */
function chosenBy(vitest: Vitest): string[] | undefined {
  return (vitest as Vitest & { filenamePattern?: string[] }).filenamePattern;
}
