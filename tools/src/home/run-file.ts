import { readFile, rename, rm, writeFile } from 'node:fs/promises';

/** What `npm start` says about the system that it runs, in `run.json`: other programs read it. */
export interface RunFile {
  /** Process id of the launcher: SIGTERM to it stops everything. */
  readonly pid: number;
  /** Process ids of what the launcher runs; kept true when one is started again. */
  readonly processes: Readonly<Partial<Record<ProcessName, number>>>;
  readonly ingestUrl: string;
  readonly dashboardUrl: string;
  /** Opens the dashboard signed in. */
  readonly signInUrl: string;
  readonly batchUrl: string;
  /** Comma list, as `KAFKA_BROKERS` has it. */
  readonly kafkaBrokers: string;
  /** With the password in it. */
  readonly databaseUrl: string;
  /** ISO 8601. */
  readonly startedAt: string;
}

export type ProcessName = 'broker' | 'postgres' | 'ingest' | 'realtime' | 'batch' | 'driverSim';

/** Replaces the file in one step: who reads it sees the old one or the new one. Only the user may read it. */
export async function writeRunFile(path: string, run: RunFile): Promise<void> {
  const unfinished = `${path}.${run.pid}`;
  await writeFile(unfinished, `${JSON.stringify(run, undefined, 2)}\n`, { mode: 0o600 });
  await rename(unfinished, path);
}

export async function removeRunFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** `undefined` where there is none: nothing was started, or it was stopped. */
export async function readRunFile(path: string): Promise<RunFile | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as RunFile;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
