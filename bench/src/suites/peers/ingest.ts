import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { eventRegistry, telemetryFamily } from '@hailstream/events';
import { createAdmin, type Admin } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { LOCAL_PROVIDER_ID, makeToken } from '@hailstream/service/tokens';
import { startKafka } from '@hailstream/tools/kafka';
import { temporaryFolder } from '../../harness/processes.js';
import type { Percentiles, Row } from '../../harness/report.js';
import { comparison, inTurn, median, sideResult } from '../../harness/rounds.js';
import type { Effort } from '../../harness/suite.js';
import { TelemetrySource } from '../../harness/telemetry.js';
import { openLoopLatency, saturateByWrk, type LoadTarget } from '../../load/http-load.js';
import { makeTopic } from '../../load/plain-client.js';
import { PEER_NAME, startOwn, startPeer, type IngestSide } from './sides.js';

const KAFKA_HEAP = '1g';
const PEER_TOPIC = 'peer.telemetry';
const SECRET = 'a secret of this benchmark for loopback';
const WORKERS = 2;

/** Different bodies of a load, which are sent in turn. */
const BODIES = 500;

/** Events that were sent but not acknowledged when a load ended are appended within this time. */
const SETTLE_MS = 500;

/** The shape of a load. */
interface Shape {
  readonly name: string;
  readonly connections: number;
  /** Events in a request. */
  readonly events: number;
}

const ONE: Shape = { name: 'one event per request, 256 connections', connections: 256, events: 1 };
const HUNDRED: Shape = { name: '100 events per request, 16 connections', connections: 16, events: 100 };

interface SideNames<T> {
  readonly nothing: T;
  readonly peer: T;
  readonly ingest: T;
  readonly workers: T;
}
type SideName = keyof SideNames<unknown>;

/** What one round of a closed loop has shown. */
interface Round {
  readonly perSecond: number;
  /** Processor time of the side for an event, in microseconds. */
  readonly cpuMicros: number;
}

/** What all measurements share. */
interface Setting {
  readonly sides: SideNames<IngestSide>;
  readonly admin: Admin;
  readonly folder: string;
  readonly token: string;
}

/** Ingest against the Benthos engine, which does the same on the same Apache Kafka, and against its HTTP stack alone. */
export async function measureIngest(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using folder = await temporaryFolder();
  say('starting Apache Kafka, ingest, the peer, and the HTTP stack alone');
  await using kafka = await startKafka({ brokers: 1, heap: KAFKA_HEAP });
  const broker = kafka.addresses[0]!;
  const logger = createLogger({ name: 'bench', level: 'warn' });
  await using admin = createAdmin({ connection: { brokers: [broker], clientId: 'bench' }, logger });
  await admin.ensureTopics(eventRegistry.topics);
  await makeTopic(broker, PEER_TOPIC);
  const ingest = {
    script: 'apps/ingest/dist/main.js',
    topic: telemetryFamily.topic.name,
    env: { KAFKA_BROKERS: broker, AUTH_JWT_SECRET: SECRET },
  };
  await using nothing = await startOwn({
    name: 'HTTP stack alone',
    script: 'bench/dist/reference/nothing.js',
    topic: undefined,
    env: {},
  });
  await using peer = await startPeer({ broker, topic: PEER_TOPIC });
  await using one = await startOwn({ ...ingest, name: 'ingest' });
  await using workers = await startOwn({
    ...ingest,
    name: `ingest, ${WORKERS} workers`,
    env: { ...ingest.env, INGEST_WORKERS: String(WORKERS) },
  });
  const token = await makeToken(SECRET, { scopes: ['write'], providerId: LOCAL_PROVIDER_ID }, '1h');
  const setting = { sides: { nothing, peer, ingest: one, workers }, admin, folder: folder.path, token };

  say(`${ONE.name}, maximum throughput`);
  const single = await saturateSides(effort, ONE, setting);
  say(`${HUNDRED.name}, maximum throughput`);
  const hundred = await saturateSides(effort, HUNDRED, setting);
  return [
    ...throughputRows(ONE, single, setting.sides),
    ...throughputRows(HUNDRED, hundred, setting.sides),
    ...(await latencyRows(effort, single, setting, say)),
  ];
}

async function saturateSides(
  effort: Effort,
  shape: Shape,
  { sides, admin, folder, token }: Setting,
): Promise<Record<SideName, Round[]>> {
  const bodies = await writeBodies(folder, shape);
  const measure = (name: SideName) => async (): Promise<Round> => {
    const side = sides[name];
    const storedBefore = await countStored(admin, side);
    const cpuBefore = await side.cpuSeconds();
    const { requests, seconds } = await saturateByWrk(targetOf(side, shape, bodies, token), effort.roundMs);
    const cpuSeconds = (await side.cpuSeconds()) - cpuBefore;
    const acknowledged = requests * shape.events;
    await delay(SETTLE_MS);
    const stored = (await countStored(admin, side)) - storedBefore;
    const unanswered = shape.connections * shape.events;
    // Requests that were in flight at the end may be stored, too.
    if (side.topic !== undefined && (stored < acknowledged || stored > acknowledged + unanswered))
      throw new Error(`${side.name} acknowledged ${acknowledged} events, and Kafka has ${stored}`);
    return { perSecond: acknowledged / seconds, cpuMicros: (cpuSeconds * 1e6) / acknowledged };
  };
  return await inTurn(effort.rounds, {
    nothing: measure('nothing'),
    peer: measure('peer'),
    ingest: measure('ingest'),
    workers: measure('workers'),
  });
}

function throughputRows(
  { name, events }: Shape,
  rounds: Record<SideName, Round[]>,
  sides: SideNames<IngestSide>,
): Row[] {
  const row = (subject: SideName, reference: SideName, pick: keyof Round) =>
    comparison(
      sideResult(
        sides[subject].name,
        rounds[subject].map((round) => round[pick]),
      ),
      sideResult(
        sides[reference].name,
        rounds[reference].map((round) => round[pick]),
      ),
    );
  const pairs = [
    ['ingest', 'peer', 1],
    ['workers', 'peer', 1],
    ['ingest', 'nothing', events === 1 ? 0.7 : undefined],
  ] as const;
  return pairs.flatMap(([subject, reference, atLeast]): Row[] => [
    {
      kind: 'comparison',
      name: `${sides[subject].name}: ${name}`,
      unit: 'events/s',
      target: atLeast === undefined ? null : { atLeast },
      result: row(subject, reference, 'perSecond'),
    },
    {
      kind: 'comparison',
      name: `${sides[subject].name}: ${name}, processor time per event`,
      unit: 'µs',
      target: null,
      result: row(subject, reference, 'cpuMicros'),
    },
  ]);
}

/** Each side at half of its own maximum. */
async function latencyRows(
  effort: Effort,
  single: Record<SideName, Round[]>,
  { sides, folder, token }: Setting,
  say: (what: string) => void,
): Promise<Row[]> {
  const bodies = await writeBodies(folder, ONE);
  const halfOf = (name: SideName) => Math.round(median(single[name].map(({ perSecond }) => perSecond)) / 2);
  const measure = (name: SideName) => () =>
    openLoopLatency(targetOf(sides[name], ONE, bodies, token), {
      durationMs: effort.roundMs,
      ratePerSecond: halfOf(name),
    });
  const names = ['nothing', 'peer', 'ingest', 'workers'] as const;
  say(`open loop at half of the maximum: ${names.map((name) => `${halfOf(name)}/s`).join(', ')}`);
  const rounds = await inTurn(effort.rounds, {
    nothing: measure('nothing'),
    peer: measure('peer'),
    ingest: measure('ingest'),
    workers: measure('workers'),
  });
  const milliseconds = (name: (typeof names)[number], pick: 'p50' | 'p99') =>
    sideResult(
      sides[name].name,
      rounds[name].map((round) => round[pick] / 1_000),
    );
  const row = (
    name: 'ingest' | 'workers',
    pick: 'p50' | 'p99',
    reference: 'peer' | 'nothing' = 'peer',
  ): Row => ({
    kind: 'comparison',
    name: `${sides[name].name}: ${pick} of one event per request at half of the maximum, open loop`,
    unit: 'ms',
    target: pick === 'p99' && reference === 'peer' ? { atMost: 0.6 } : null,
    result: comparison(milliseconds(name, pick), milliseconds(reference, pick)),
  });
  return [
    row('ingest', 'p50'),
    row('ingest', 'p99'),
    row('ingest', 'p99', 'nothing'),
    row('workers', 'p50'),
    row('workers', 'p99'),
    ...names.map((name): Row => ({
      kind: 'latency',
      name: sides[name].name,
      note: `request to response, one event per request, ${halfOf(name)}/s`,
      micros: medianRound(rounds[name]),
    })),
  ];
}

/** The round with the median p99. */
function medianRound(rounds: readonly Percentiles[]): Percentiles {
  const sorted = rounds.toSorted((one, other) => one.p99 - other.p99);
  return sorted[Math.floor((sorted.length - 1) / 2)]!;
}

function targetOf(side: IngestSide, { connections }: Shape, bodies: string, token: string): LoadTarget {
  const isPeer = side.name === PEER_NAME;
  return { url: side.url, path: '/telemetry', token: isPeer ? undefined : token, bodies, connections };
}

async function writeBodies(folder: string, { events }: Shape): Promise<string> {
  const source = new TelemetrySource();
  const file = join(folder, `${events}.ndjson`);
  const lines = Array.from({ length: BODIES }, () => `${JSON.stringify(source.batch(events))}\n`);
  await writeFile(file, lines.join(''));
  return file;
}

/** The number of events that a side has appended so far, with those of other sides on the same topic. */
async function countStored(admin: Admin, { topic }: IngestSide): Promise<number> {
  if (topic === undefined) return 0;
  const offsets = await admin.offsets(topic);
  return [...offsets.values()].reduce((sum, { earliest, latest }) => sum + Number(latest - earliest), 0);
}
