import { readdir, readlink, realpath } from 'node:fs/promises';
import { platform } from 'node:os';
import { basename } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/** Time limit for a server's processes to exit on request; then they are killed. */
const QUIT_TIMEOUT_MS = 5_000;
/** Time limit for killed processes to exit: a process in a disk operation exits only after it. */
const KILL_TIMEOUT_MS = 30_000;
const POLL_MS = 50;

/**
 * The processes of a Postgres server on this cluster, even if the server itself has ended: all of them have its folder as
 * their working folder. Empty on systems other than Linux, which do not report it.
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
    // It has exited, or belongs to another user.
    return false;
  }
}

/**
 * Ends the processes of an unresponsive server: a busy backend does not notice that its server was killed, and keeps
 * the shared memory that the next server needs. No committed data is lost.
 *
 * @returns the processes that could not be ended
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
    // It has exited in the meantime.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
