import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Why processes cannot be bound to cores on this machine. */
export class CoresError extends Error {
  override readonly name = 'CoresError';
}

/** Cores for the servers, and others for the clients, as lists of `taskset`. */
interface CoreShares {
  readonly all: string;
  readonly servers: string;
  readonly clients: string;
}

/**
 * Gives half of the cores to the servers, and the others to this process and those that it starts, until disposal. What a
 * client waits for is then the server, and not a core that the clients use.
 *
 * @param servers process ids
 * @throws CoresError if this is not possible on this machine
 */
export async function separateCores(servers: readonly number[]): Promise<CoreShares & AsyncDisposable> {
  const cores = shareCores(await allowedCores());
  const processes = [...servers, process.pid];
  for (const pid of processes) await bind(pid, pid === process.pid ? cores.clients : cores.servers);
  return {
    ...cores,
    async [Symbol.asyncDispose]() {
      for (const pid of processes) await bind(pid, cores.all);
    },
  };
}

/** Divides a list such as `0-3,6`. @throws CoresError if it has one core */
export function shareCores(all: string): CoreShares {
  const cores = all.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
  if (cores.length < 2) throw new CoresError(`expected at least two cores, got ${all}`);
  const half = Math.floor(cores.length / 2);
  return { all, servers: cores.slice(0, half).join(','), clients: cores.slice(half).join(',') };
}

/** The cores that this process may use. */
async function allowedCores(): Promise<string> {
  const list = /: (\S+)\s*$/.exec(await taskset(['-c', '-p', String(process.pid)]))?.[1];
  if (list === undefined) throw new CoresError('taskset: expected a list of cores');
  return list;
}

/** Applies to all threads of the process. Threads and processes that it starts later inherit it. */
async function bind(pid: number, cores: string): Promise<void> {
  await taskset(['-a', '-c', '-p', cores, String(pid)]);
}

async function taskset(args: readonly string[]): Promise<string> {
  try {
    return (await promisify(execFile)('taskset', args)).stdout;
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const why = missing ? 'taskset (util-linux) is not installed' : (cause as Error).message.trim();
    throw new CoresError(why, { cause });
  }
}
