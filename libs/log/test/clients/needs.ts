import { basename, dirname } from 'node:path';
import { ensureNeeds, type NeedName } from '@hailstream/tools/needs';
import type { TestProject, Vitest } from 'vitest/node';

/** What the tests of each folder beside this file need on the machine. */
const NEEDS: Readonly<Record<string, readonly NeedName[]>> = {
  go: ['go'],
  java: ['java', 'maven'],
  kafka: process.env['KAFKA_BROKERS'] ? [] : ['java', 'maven'],
  kcat: ['kcat'],
  python: ['python'],
};

/** Fails, before any test, with one list of all that is missing for the chosen parts. */
export async function setup(project: TestProject): Promise<void> {
  const { testFiles } = await project.globTestFiles(chosenBy(project.vitest));
  const parts = new Set(testFiles.map((file) => basename(dirname(file))));
  const unknown = [...parts].filter((part) => !Object.hasOwn(NEEDS, part));
  if (unknown.length > 0) throw new Error(`needs.ts does not say what ${unknown.join(', ')} needs`);
  const chosen = [...parts].sort();
  await ensureNeeds(
    `pnpm test:clients ${chosen.join(' ')}`,
    chosen.flatMap((part) => NEEDS[part] ?? []),
  );
}

/** The arguments that choose files; vitest has them, but its types don't say so. */
function chosenBy(vitest: Vitest): string[] | undefined {
  return (vitest as Vitest & { filenamePattern?: string[] }).filenamePattern;
}
