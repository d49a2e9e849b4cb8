import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startHttpProcess } from '../../harness/processes.js';
import type { Row } from '../../harness/report.js';
import { alternate, pairedComparison, sideResult } from '../../harness/rounds.js';
import type { PlainAdmin } from '../../load/plain-client.js';
import { measureUntilCommitted, until, untilAssigned, type DeliveryFigures } from './delivery.js';
import { FailingSink, type Fault } from './failing-sink.js';

const CONCURRENCY = 4;
/** A job loses at most this share of its rate while the sink of another one is down. */
const MAX_LOSS = 0.02;

/** A job whose sink fails. */
interface Outage {
  readonly name: string;
  readonly fault: Fault;
  /** The sink of the job, by the address of a server that will fail. */
  sinkAt(server: URL): object;
}

export const outages: readonly Outage[] = [
  {
    name: 'job next to one whose sink refuses connections',
    fault: 'refuses connections',
    sinkAt: openSearch,
  },
  { name: 'job next to one whose sink responds 503', fault: 'responds 503', sinkAt: openSearch },
  { name: 'job next to one whose sink does not respond', fault: 'does not respond', sinkAt: openSearch },
];

function openSearch({ origin }: URL): object {
  return { type: 'opensearch', url: origin, index: 'ride-telemetry-{yyyy.MM.dd}' };
}

/** What the rounds share. */
interface OutageSetting {
  readonly folder: string;
  readonly brokers: readonly string[];
  readonly admin: PlainAdmin;
  readonly topic: string;
  readonly records: number;
  /** URL of a server that accepts everything. */
  readonly accepting: string;
}

/**
 * Compares a job with itself: the sink of another job of the same process and topic is down, or that job is paused. A job whose
 * sink is up uses processor time itself, so it is not what a job whose sink is down is compared with.
 */
export async function measureOutage(outage: Outage, rounds: number, setting: OutageSetting): Promise<Row[]> {
  const { name } = outage;
  let round = 0;
  const side = (occurs: boolean) => () =>
    deliverNextTo({ outage, occurs, name: `outage-${outages.indexOf(outage)}-${(round += 1)}` }, setting);
  const { subject, reference } = await alternate({ rounds, subject: side(true), reference: side(false) });
  const of = (pick: (figures: DeliveryFigures) => number) =>
    pairedComparison(sideResult('down', subject.map(pick)), sideResult('paused', reference.map(pick)));
  return [
    {
      kind: 'comparison',
      name: `router, ${name}`,
      unit: 'records/s',
      target: { atLeast: 1 - MAX_LOSS },
      result: of(({ recordsPerSecond }) => recordsPerSecond),
    },
    {
      kind: 'comparison',
      name: `router, ${name}, processor time per million records`,
      unit: 's',
      target: { atMost: 1 + MAX_LOSS },
      result: of(({ cpuSecondsPerMillion }) => cpuSecondsPerMillion),
    },
  ];
}

/** Measures a job from when the other job has failed, or is paused. */
async function deliverNextTo(
  { outage, occurs, name }: { readonly outage: Outage; readonly occurs: boolean; readonly name: string },
  { folder, brokers, admin, topic, records, accepting }: OutageSetting,
): Promise<DeliveryFigures> {
  const [measured, other] = [`${name}-measured`, `${name}-other`];
  await using sink = await FailingSink.start();
  const job = (jobName: string, jobSink: object) => ({
    name: jobName,
    topics: [topic],
    sink: jobSink,
    concurrency: CONCURRENCY,
  });
  const file = join(folder, `${name}.yaml`);
  // JSON is YAML.
  const jobs = [job(measured, openSearch(new URL(accepting))), job(other, outage.sinkAt(new URL(sink.url)))];
  await writeFile(file, JSON.stringify({ jobs }));
  await using router = await startHttpProcess({
    script: 'apps/router/dist/main.js',
    args: ['serve', '--config', file],
    env: { KAFKA_BROKERS: brokers.join() },
    readyPath: '/health/live',
  });
  const post = async (jobName: string, action: 'pause' | 'resume') => {
    const response = await fetch(`${router.url}/jobs/${jobName}/${action}`, { method: 'POST' });
    if (!response.ok) throw new Error(`cannot ${action} ${jobName}: status ${response.status}`);
  };
  for (const jobName of [measured, other]) await post(jobName, 'pause');
  for (const jobName of [measured, other]) await untilAssigned({ admin, groupId: `router-${jobName}` });
  if (occurs) {
    sink.fail(outage.fault);
    await post(other, 'resume');
    await until(async () => sink.isWaitedFor || (await hasFailed(router.url, other)));
  }
  await post(measured, 'resume');
  return await measureUntilCommitted(router.pid, { admin, topic, groupId: `router-${measured}`, records });
}

async function hasFailed(url: string, name: string): Promise<boolean> {
  const response = await fetch(`${url}/jobs`);
  const { jobs } = (await response.json()) as { jobs: { name: string; failure: unknown }[] };
  return jobs.some((job) => job.name === name && job.failure !== null);
}
