import * as fs from 'node:fs';
import * as path from 'node:path';
import { isAlive, processStartTicks } from '@hailstream/service/processes';

/** The data folder is in use, or can't be used. */
export class DataDirError extends Error {
  override readonly name = 'DataDirError';
}

/** Names the process that has the folder. */
export const LOCK_FILE = '.lock';
/** Two brokers that find a stale lock at once try again; one of them wins. */
const ATTEMPTS = 3;

/**
 * Takes the folder for this process, by a file with its process id. One that a killed process left is taken over.
 *
 * @returns what gives the folder back
 * @throws DataDirError where a living broker has it, or it can't be made
 */
export function lockDataDir(dataDir: string): () => void {
  const file = path.join(dataDir, LOCK_FILE);
  const mine = `${process.pid}\n${processStartTicks(process.pid)}\n`;
  makeFolder(dataDir);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    try {
      fs.writeFileSync(file, mine, { flag: 'wx' });
      return () => {
        fs.rmSync(file, { force: true });
      };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw unusable(dataDir, error);
    }
    const holder = holderOf(file);
    if (holder !== undefined) {
      throw new DataDirError(`${dataDir} is in use by the broker with process id ${holder}`);
    }
    fs.rmSync(file, { force: true });
  }
  throw new DataDirError(`${dataDir} could not be locked: others try to do the same`);
}

function makeFolder(dataDir: string): void {
  try {
    fs.mkdirSync(dataDir, { recursive: true });
  } catch (error) {
    throw unusable(dataDir, error);
  }
}

function unusable(dataDir: string, cause: unknown): DataDirError {
  return new DataDirError(`${dataDir} can't be used: ${(cause as Error).message}`, { cause });
}

/** @returns the process that holds the lock, unless it is gone */
function holderOf(file: string): number | undefined {
  const [pidText, started] = readOr(file, '').split('\n');
  const pid = Number(pidText);
  if (!isAlive(pid)) return undefined;
  // The system may have given the id of a killed broker to another process.
  return processStartTicks(pid) === started ? pid : undefined;
}

function readOr(file: string, otherwise: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    // Deleted in the meantime.
    return otherwise;
  }
}
