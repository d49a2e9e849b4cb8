import { readdir, readFile, readlink } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Target } from '../target/target.js';

/** What is measured of a process. A value that it does not report is missing. */
export interface Measurement {
  /** Memory that belongs to the process alone: heap, stacks, buffers. Of Postgres, the sum of all of its processes. */
  readonly privateMiB: number;
  /** Private memory, and pages of the files that the process has mapped, of which the largest is its program. */
  readonly residentMiB?: number;
  /** The pages of Postgres's shared memory in use: the shared buffers, and what else `shared_memory_size` has. */
  readonly sharedMiB?: number;
  /** Open files and sockets; of the broker, without {@link openSegments}. */
  readonly descriptors: number;
  /** Segments of the log that the broker has open, each of which counts once. */
  readonly openSegments?: number;
  /** Since the previous measurement; of the broker, the time of a request that needs no work. */
  readonly longestBlockMs?: number;
  readonly heapMiB?: number;
  readonly heapTotalMiB?: number;
  readonly externalMiB?: number;
}

const ANSWERED_WITHIN_MS = 30_000;

/** Measures all processes of the system. Linux only. @throws Error if one of them has ended */
export async function measureProcesses(target: Target): Promise<Readonly<Record<string, Measurement>>> {
  const { ingest, realtime, batch } = target;
  const services = Object.entries({ ingest, realtime, batch }).map(async ([name, { pid, url }]) => {
    const [process, metrics] = await Promise.all([processOf(pid), metricsOf(url)]);
    return [name, { ...process, ...metrics }] as const;
  });
  const broker = Promise.all([
    brokerOf(target.brokerPid),
    metricsOf(target.brokerMetricsUrl),
    brokerAnswerMs(target.brokerAddress),
  ]).then(
    ([process, metrics, longestBlockMs]) => ['broker', { ...process, ...metrics, longestBlockMs }] as const,
  );
  const postgres = postgresOf(target.postgresPid).then((process) => ['postgres', process] as const);
  return Object.fromEntries(await Promise.all([...services, broker, postgres]));
}

async function processOf(pid: number): Promise<Measurement> {
  const [status, descriptors] = await Promise.all([
    readFile(`/proc/${pid}/status`, 'latin1'),
    readdir(`/proc/${pid}/fd`),
  ]);
  return {
    privateMiB: kilobytes(status, 'RssAnon') / 1_024,
    residentMiB: kilobytes(status, 'VmRSS') / 1_024,
    descriptors: descriptors.length,
  };
}

/** Segments that were deleted or are open twice count as descriptors. */
async function brokerOf(pid: number): Promise<Measurement> {
  const folder = `/proc/${pid}/fd`;
  const [process, open] = await Promise.all([processOf(pid), readdir(folder)]);
  const paths = await Promise.all(open.map((name) => readlink(`${folder}/${name}`).catch(() => '')));
  const openSegments = new Set(paths.filter((path) => path.endsWith('.log'))).size;
  return { ...process, descriptors: open.length - openSegments, openSegments };
}

/**
 * The postmaster and its children, which may end meanwhile. A page that several processes map, as those that a child has inherited
 * and not changed, counts once.
 */
async function postgresOf(postmaster: number): Promise<Measurement> {
  const children = await readFile(`/proc/${postmaster}/task/${postmaster}/children`, 'latin1');
  const pids = [postmaster, ...children.split(' ').filter(Boolean).map(Number)];
  const all = await Promise.all(
    pids.map(async (pid) => {
      const [memory, descriptors] = await Promise.all([
        readFile(`/proc/${pid}/smaps_rollup`, 'latin1').catch(() => ''),
        readdir(`/proc/${pid}/fd`).catch(() => []),
      ]);
      return {
        privateMiB: kilobytes(memory, 'Pss_Anon') / 1_024,
        sharedMiB: kilobytes(memory, 'Pss_Shmem') / 1_024,
        descriptors: descriptors.length,
      };
    }),
  );
  const sum = (valueOf: (each: (typeof all)[number]) => number): number =>
    all.reduce((total, each) => total + valueOf(each), 0);
  return {
    privateMiB: sum((each) => each.privateMiB),
    sharedMiB: sum((each) => each.sharedMiB),
    descriptors: sum((each) => each.descriptors),
  };
}

function kilobytes(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1] ?? 0);
}

/** A service that does not answer in time is measured without its metrics. */
async function metricsOf(url: string): Promise<Partial<Measurement>> {
  try {
    const response = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(ANSWERED_WITHIN_MS) });
    const text = await response.text();
    const value = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1]);
    return {
      longestBlockMs: value('nodejs_eventloop_lag_max_seconds') * 1_000,
      heapMiB: value('nodejs_heap_size_used_bytes') / 2 ** 20,
      heapTotalMiB: value('nodejs_heap_size_total_bytes') / 2 ** 20,
      externalMiB: value('nodejs_external_memory_bytes') / 2 ** 20,
    };
  } catch {
    return { longestBlockMs: ANSWERED_WITHIN_MS };
  }
}

/** The time of a request for the versions of the API. */
function brokerAnswerMs(address: string): Promise<number> {
  const [host = '', port = ''] = address.split(':');
  // Size, API key 18, version 0, correlation id, no client id.
  const request = Buffer.from('0000000a0012000000000001ffff', 'hex');
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const socket = connect(Number(port), host);
    const settle = (milliseconds: number): void => {
      socket.destroy();
      resolve(milliseconds);
    };
    socket.setTimeout(ANSWERED_WITHIN_MS, () => settle(ANSWERED_WITHIN_MS));
    socket.once('error', () => settle(ANSWERED_WITHIN_MS));
    socket.once('connect', () => socket.write(request));
    socket.once('data', () => settle(performance.now() - startedAt));
  });
}
