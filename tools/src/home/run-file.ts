import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import type { ProcessName } from '../processes/child-environment.js';

/** The contents of `run.json`, in which `npm start` describes the running system for other programs. */
export interface RunFile {
  /** Process id of the launcher: SIGTERM to it stops everything. */
  readonly pid: number;
  /** Ids of the launcher's processes; updated when a process is restarted. */
  readonly processes: Readonly<Partial<Record<ProcessName, number>>>;
  readonly ingestUrl: string;
  readonly dashboardUrl: string;
  /** Opens the dashboard signed in. Links expire within minutes: this one is replaced before it does. */
  readonly signInUrl: string;
  readonly batchUrl: string;
  /** Only if the system was started with `--router`. */
  readonly routerUrl?: string;
  /** Comma-separated, in the format of `KAFKA_BROKERS`. */
  readonly kafkaBrokers: string;
  /** Includes the password. */
  readonly databaseUrl: string;
  /** City files to whose roads trips are matched, in the format of `BATCH_CITY`. */
  readonly batchCity: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

/** A link to the page that signs a browser in with a token. */
export function signInLink(dashboardUrl: string, token: string): string {
  return `${dashboardUrl}/#token=${token}`;
}

/** Replaces the file atomically: readers see the old or the new content. Only the user may read it. */
export async function writeRunFile(path: string, run: RunFile): Promise<void> {
  const unfinished = `${path}.${run.pid}`;
  await writeFile(unfinished, `${JSON.stringify(run, undefined, 2)}\n`, { mode: 0o600 });
  await rename(unfinished, path);
}

export async function removeRunFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** `undefined` if the file does not exist: the system was not started, or it was stopped. */
export async function readRunFile(path: string): Promise<RunFile | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as RunFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
