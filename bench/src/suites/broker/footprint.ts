import { setTimeout as delay } from 'node:timers/promises';
import { residentMiB } from '../../harness/processes.js';
import type { Row } from '../../harness/report.js';
import { alternate, compare, comparison, sideResult } from '../../harness/rounds.js';
import { firstAcknowledged, makeTopic, withTopic } from '../../load/plain-client.js';
import type { Effort } from '../../harness/suite.js';
import { produceWithJava } from './java.js';
import type { BrokerSide, Sides } from './sides.js';

/** Wait after a start until the process has released memory that it needs only to start. */
const SETTLE_MS = 3_000;
/** Larger than usual records fill the disk faster. */
const FILL_RECORD_BYTES = 10_000;
const TOPIC = 'started';

const WANTED = { atMost: 0.15 } as const;

/** Start times and memory. While one side is measured, the other is stopped. */
export async function measureFootprint(
  effort: Effort,
  sides: Sides,
  say: (what: string) => void,
): Promise<Row[]> {
  const { rounds } = effort;
  const { ours, reference } = sides;
  for (const side of [ours, reference]) {
    await makeTopic(side.address, TOPIC);
    await side.stop();
  }
  say('starts on an empty log, and resident memory after them');
  const empty = await alternate({
    rounds,
    ours: () => startOnce(ours),
    reference: () => startOnce(reference),
  });
  const of = (pick: (start: Start) => number) =>
    comparison(
      sideResult(ours.name, empty.ours.map(pick)),
      sideResult(reference.name, empty.reference.map(pick)),
    );
  const gigabytes = (effort.rows * 5_000) / 1e9;
  say(`resident memory after ${gigabytes} GB`);
  const loaded = await compare({
    rounds,
    ours: { name: ours.name, measure: () => memoryAfter(ours, gigabytes) },
    reference: { name: reference.name, measure: () => memoryAfter(reference, gigabytes) },
  });
  const logGigabytes = (effort.rows * 25_000) / 1e9;
  say(`starts on a log of ${logGigabytes} GB`);
  for (const side of [reference, ours]) await fill(side, logGigabytes);
  const large = await alternate({
    rounds,
    ours: () => startOnce(ours),
    reference: () => startOnce(reference),
  });
  const startOf = ({ ms }: Start) => ms;
  const largeStarts = comparison(
    sideResult(ours.name, large.ours.map(startOf)),
    sideResult(reference.name, large.reference.map(startOf)),
  );
  const row = { kind: 'comparison', wanted: WANTED } as const;
  return [
    { ...row, name: 'start to first acknowledged record, empty log', unit: 'ms', result: of(startOf) },
    {
      ...row,
      name: `start to first acknowledged record, ${logGigabytes} GB of log`,
      unit: 'ms',
      result: largeStarts,
    },
    { ...row, name: 'resident memory, idle', unit: 'MiB', result: of(({ idleMiB }) => idleMiB) },
    { ...row, name: `resident memory after ${gigabytes} GB`, unit: 'MiB', result: loaded },
  ];
}

interface Start {
  readonly ms: number;
  readonly idleMiB: number;
}

async function startOnce(side: BrokerSide): Promise<Start> {
  const startedAt = performance.now();
  const ready = side.start();
  await firstAcknowledged(side.address, TOPIC);
  const ms = performance.now() - startedAt;
  await ready;
  await delay(SETTLE_MS);
  const idleMiB = await residentMiB(side.pid);
  await side.stop();
  return { ms, idleMiB };
}

async function memoryAfter(side: BrokerSide, gigabytes: number): Promise<number> {
  await side.start();
  const mebibytes = await withTopic(side.address, async (topic) => {
    await produceWithJava({ side, topic, acks: '1', bytes: gigabytes * 1e9 });
    await delay(SETTLE_MS);
    return residentMiB(side.pid);
  });
  await side.stop();
  return mebibytes;
}

async function fill(side: BrokerSide, gigabytes: number): Promise<void> {
  await side.start();
  const bytes = gigabytes * 1e9;
  await produceWithJava({ side, topic: TOPIC, acks: '1', bytes, recordBytes: FILL_RECORD_BYTES });
  await side.stop();
}
