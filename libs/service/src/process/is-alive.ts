import { readFileSync } from 'node:fs';

/** States of `/proc/<pid>/stat` of a process that has ended: its parent has yet to wait for it. */
const ENDED = new Set(['Z', 'X']);

/**
 * Whether a process runs, under any user. `undefined` is the `pid` of a child process that could not be started. A process
 * that has ended and was not waited for by its parent does not run; only Linux can tell, other systems report it as running.
 */
export function isAlive(pid: number | undefined): boolean {
  if (pid === undefined || !Number.isInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  const [state] = processStat(pid);
  return state === undefined || !ENDED.has(state);
}

/**
 * When a process started, in clock ticks since the system booted. Together with the process id it identifies a process
 * across reuse of the id. Empty if the process does not exist or the system has no `/proc`.
 */
export function processStartTicks(pid: number): string {
  return processStat(pid)[19] ?? '';
}

/** The fields of `/proc/<pid>/stat` from the third (the state) on; none if the file does not exist. */
function processStat(pid: number): readonly string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses, which may itself contain spaces and parentheses.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  } catch {
    return [];
  }
}
