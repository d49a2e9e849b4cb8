import { readdir, readlink, realpath } from 'node:fs/promises';
import { platform } from 'node:os';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longest that the processes of a server may take to end when they are asked to; then they are killed. */
const QUIT_TIMEOUT_MS = 5_000;
/** Longest that killed processes may take to end: one that waits for a disk ends only after that. */
const KILL_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

/**
 * The processes of a Postgres server on this very cluster, however the server ended: all of them run in its folder. Only
 * Linux tells that; none elsewhere.
 */
export async function serverProcesses(cluster: string): Promise<number[]> {
  if (platform() !== 'linux') return [];
  const folder = await realpath(cluster).catch(() => cluster);
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const isOurs = await Promise.all(pids.map((pid) => isServerProcess(pid, folder)));
  return pids.filter((_pid, index) => isOurs[index]);
}

async function isServerProcess(pid: number, cluster: string): Promise<boolean> {
  try {
    const [workingFolder, program] = await Promise.all([
      readlink(`/proc/${pid}/cwd`),
      readlink(`/proc/${pid}/exe`),
    ]);
    return workingFolder === cluster && basename(program.replace(/ \(deleted\)$/, '')) === 'postgres';
  } catch {
    // It has ended, or is another user's.
    return false;
  }
}

/**
 * Ends what is left of a server that does not answer: a backend that computes does not notice that its server was
 * killed, and keeps the shared memory that the next server needs. Nothing that was committed is lost.
 *
 * @returns the processes that are left all the same
 */
export async function endServerProcesses(cluster: string): Promise<number[]> {
  for (const [signal, timeoutMs] of [
    ['SIGQUIT', QUIT_TIMEOUT_MS],
    ['SIGKILL', KILL_TIMEOUT_MS],
  ] as const) {
    for (const pid of await serverProcesses(cluster)) signalProcess(pid, signal);
    const deadline = performance.now() + timeoutMs;
    while (performance.now() < deadline) {
      if ((await serverProcesses(cluster)).length === 0) return [];
      await sleep(POLL_MS);
    }
  }
  return serverProcesses(cluster);
}

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    // It ended meanwhile.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
