import { eventRegistry, telemetryFamily } from '@hailstream/events';
import { createAdmin, createProducer, type LogConnection, type Producer } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { LOCAL_PROVIDER_ID, makeToken } from '@hailstream/service/tokens';
import { INGEST_V8_OPTIONS } from '@hailstream/tools/v8-options';
import { openLoop, saturate } from '../harness/load.js';
import { startBrokerProcess, startHttpProcess, temporaryFolder } from '../harness/processes.js';
import { percentiles, type Row } from '../harness/report.js';
import { compare, type Comparison } from '../harness/rounds.js';
import { TelemetrySource } from '../harness/telemetry.js';
import { TelemetryClient } from '../harness/telemetry-client.js';
import type { Effort, Suite } from '../harness/suite.js';

const CALLERS = 64;
const BATCH = 100;
const SECRET = 'a secret of this benchmark for loopback';

/** Ingest against its HTTP stack alone, and against the log without HTTP. */
export const ingestSuite: Suite = {
  name: 'ingest',
  run: measure,
};

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using folder = await temporaryFolder();
  say('starting the broker, ingest, and the reference HTTP server');
  await using broker = await startBrokerProcess(folder.path);
  const connection = { brokers: [broker.url], clientId: 'bench' };
  const logger = createLogger({ name: 'bench', level: 'warn' });
  await using admin = createAdmin({ connection, logger });
  await admin.ensureTopics(eventRegistry.topics);
  await using ingest = await startHttpProcess({
    script: 'apps/ingest/dist/main.js',
    nodeOptions: INGEST_V8_OPTIONS,
    env: { KAFKA_BROKERS: broker.url, AUTH_JWT_SECRET: SECRET },
    readyPath: '/health/ready',
  });
  await using nothing = await startHttpProcess({
    script: 'bench/dist/reference/nothing.js',
    nodeOptions: INGEST_V8_OPTIONS,
    env: {},
    readyPath: '/health/ready',
  });
  const token = await makeToken(SECRET, { scopes: ['write'], providerId: LOCAL_PROVIDER_ID }, '1h');
  const access = { token, connections: CALLERS };
  await using ingestClient = new TelemetryClient(ingest.url, access);
  await using nothingClient = new TelemetryClient(nothing.url, access);

  say('one event per request, maximum throughput');
  const one = await compareHttp(effort, { subject: ingestClient, reference: nothingClient, size: 1 });
  say(`${BATCH} events per request, maximum throughput`);
  const hundred = await compareHttp(effort, { subject: ingestClient, reference: nothingClient, size: BATCH });
  say(`${BATCH} events per request, compared with the log client`);
  const straight = await compareStraight(effort, connection, ingestClient);
  const half = one.subject.median / 2;
  say(`open loop, ${Math.round(half)} requests/s`);
  const latencies = await openLoop({
    durationMs: effort.roundMs * 2,
    ratePerSecond: half,
    operation: () => ingestClient.send(1),
  });
  const against = { kind: 'comparison', unit: 'events/s' } as const;
  return [
    {
      ...against,
      name: 'ingest, one event per request',
      target: { atLeast: 0.5 },
      result: one,
    },
    { ...against, name: `ingest, ${BATCH} events per request`, target: null, result: hundred },
    { ...against, name: `ingest, ${BATCH} events per request`, target: { atLeast: 0.7 }, result: straight },
    {
      kind: 'latency',
      name: 'ingest, request to response',
      note: `at 50 % of maximum throughput (${Math.round(half)}/s)`,
      micros: percentiles(latencies),
    },
  ];
}

function compareHttp(
  effort: Effort,
  sides: { subject: TelemetryClient; reference: TelemetryClient; size: number },
): Promise<Comparison> {
  const side = (name: string, client: TelemetryClient) => ({
    name,
    measure: () => eventsPerSecond(effort, sides.size, () => client.send(sides.size)),
  });
  return compare({
    rounds: effort.rounds,
    subject: side('ingest', sides.subject),
    reference: side('HTTP stack alone', sides.reference),
  });
}

async function compareStraight(
  effort: Effort,
  connection: LogConnection,
  client: TelemetryClient,
): Promise<Comparison> {
  const logger = createLogger({ name: 'bench', level: 'warn' });
  await using producer = createProducer({ connection, logger });
  const source = new TelemetrySource();
  return await compare({
    rounds: effort.rounds,
    subject: { name: 'ingest', measure: () => eventsPerSecond(effort, BATCH, () => client.send(BATCH)) },
    reference: {
      name: 'log client alone',
      measure: () => eventsPerSecond(effort, BATCH, () => sendStraight(producer, source)),
    },
  });
}

async function eventsPerSecond(
  effort: Effort,
  size: number,
  operation: () => Promise<void>,
): Promise<number> {
  const { perSecond } = await saturate({ durationMs: effort.roundMs, concurrency: CALLERS, operation });
  return perSecond * size;
}

async function sendStraight(producer: Producer, source: TelemetrySource): Promise<void> {
  const deliveries = await producer.send(
    source.batch(BATCH).map((point) => ({
      topic: telemetryFamily.topic.name,
      key: telemetryFamily.key(point),
      value: Buffer.from(JSON.stringify(point)),
    })),
  );
  const failed = deliveries.find((delivery) => delivery.kind === 'failed');
  if (failed !== undefined) throw failed.error;
}
