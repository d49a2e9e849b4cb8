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
/** Large records, to fill the disk faster. */
const FILL_RECORD_BYTES = 10_000;
const TOPIC = 'started';

const TARGET = { atMost: 0.15 } as const;

/** Start times and memory. While one side is measured, the other is stopped. */
export async function measureFootprint(
  effort: Effort,
  sides: Sides,
  say: (what: string) => void,
): Promise<Row[]> {
  const { rounds } = effort;
  const { subject, reference } = sides;
  for (const side of [subject, reference]) {
    await makeTopic(side.address, TOPIC);
    await side.stop();
  }
  say('start time with an empty log, and idle memory');
  const empty = await alternate({
    rounds,
    subject: () => startOnce(subject),
    reference: () => startOnce(reference),
  });
  const of = (pick: (start: Start) => number) =>
    comparison(
      sideResult(subject.name, empty.subject.map(pick)),
      sideResult(reference.name, empty.reference.map(pick)),
    );
  const gigabytes = (effort.rows * 5_000) / 1e9;
  say(`resident memory after producing ${gigabytes} GB`);
  const loaded = await compare({
    rounds,
    subject: { name: subject.name, measure: () => memoryAfter(subject, gigabytes) },
    reference: { name: reference.name, measure: () => memoryAfter(reference, gigabytes) },
  });
  const logGigabytes = (effort.rows * 25_000) / 1e9;
  say(`start time with a log of ${logGigabytes} GB`);
  for (const side of [reference, subject]) await fill(side, logGigabytes);
  const large = await alternate({
    rounds,
    subject: () => startOnce(subject),
    reference: () => startOnce(reference),
  });
  const startOf = ({ ms }: Start) => ms;
  const largeStarts = comparison(
    sideResult(subject.name, large.subject.map(startOf)),
    sideResult(reference.name, large.reference.map(startOf)),
  );
  const row = { kind: 'comparison', target: TARGET } as const;
  return [
    { ...row, name: 'start to first acknowledged record, empty log', unit: 'ms', result: of(startOf) },
    {
      ...row,
      name: `start to first acknowledged record, log of ${logGigabytes} GB`,
      unit: 'ms',
      result: largeStarts,
    },
    { ...row, name: 'resident memory, idle', unit: 'MiB', result: of(({ idleMiB }) => idleMiB) },
    { ...row, name: `resident memory after producing ${gigabytes} GB`, unit: 'MiB', result: loaded },
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
