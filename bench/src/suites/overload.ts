import { randomUUID } from 'node:crypto';
import { eventRegistry } from '@hailstream/events';
import { createAdmin } from '@hailstream/log';
import { createLogger } from '@hailstream/service/logging';
import { makeToken } from '@hailstream/service/tokens';
import { INGEST_V8_OPTIONS } from '@hailstream/tools/v8-options';
import {
  runToEnd,
  startBrokerProcess,
  startHttpProcess,
  temporaryFolder,
  type SystemProcess,
} from '../harness/processes.js';
import type { Row } from '../harness/report.js';
import { alternate, comparison, sideResult } from '../harness/rounds.js';
import type { Effort, Suite } from '../harness/suite.js';
import type { ProviderLoad, ProviderResult } from '../load/provider.js';

const SECRET = 'a secret of this benchmark for loopback';
const BATCH = 100;

/** Connections of a provider whose requests are to find the maximum. */
const CONNECTIONS = 64;
/** Connections of a provider that sends more than is served. */
const MANY_CONNECTIONS = 1_000;

/** A rate far above the maximum: the generator sends the next request as soon as a connection is free. */
const UNLIMITED_PER_SECOND = 100_000;

/** The share of a provider, in events per second: ten times of it can be refused with a part of a core. */
const SHARE_PER_SECOND = 400;

/** Ingest at twice its maximum, and while one provider sends ten times its share. */
export const overloadSuite: Suite = { name: 'overload', run: measure };

/** A provider with a token. */
type Provider = Pick<ProviderLoad, 'token' | 'providerId'>;

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using folder = await temporaryFolder();
  await using broker = await startBrokerProcess(folder.path);
  const logger = createLogger({ name: 'bench', level: 'warn' });
  await using admin = createAdmin({ connection: { brokers: [broker.url], clientId: 'bench' }, logger });
  await admin.ensureTopics(eventRegistry.topics);
  const goodput = await measureGoodput(broker, effort, say);
  return [...goodput, ...(await measureNeighbour(broker, effort, say))];
}

async function measureGoodput(
  broker: SystemProcess,
  { rounds, roundMs }: Effort,
  say: (what: string) => void,
): Promise<Row[]> {
  await using ingest = await startIngest(broker, {});
  const provider = await newProvider();
  const load = (requestsPerSecond: number, connections: number): Promise<ProviderResult> =>
    runProvider({
      ...provider,
      url: ingest.url,
      eventsPerRequest: BATCH,
      requestsPerSecond,
      connections,
      durationMs: roundMs,
    });
  say('maximum, and twice the maximum');
  let maximum = 0;
  const results = await alternate({
    rounds,
    reference: async () => {
      const result = await load(UNLIMITED_PER_SECOND, CONNECTIONS);
      maximum = result.accepted / result.seconds;
      return result;
    },
    subject: () => load(2 * maximum, MANY_CONNECTIONS),
  });
  const side = (name: string, figures: readonly ProviderResult[]) =>
    sideResult(
      name,
      figures.map(({ accepted, seconds }) => (accepted * BATCH) / seconds),
    );
  return [
    {
      kind: 'comparison',
      name: `events accepted at twice the maximum, ${BATCH} events per request, ${MANY_CONNECTIONS} connections`,
      unit: 'events/s',
      target: { atLeast: 0.9 },
      result: comparison(side('twice the maximum', results.subject), side('maximum', results.reference)),
    },
    latencyRow('accepted requests at twice the maximum', results.subject),
  ];
}

async function measureNeighbour(
  broker: SystemProcess,
  { rounds, roundMs }: Effort,
  say: (what: string) => void,
): Promise<Row[]> {
  await using ingest = await startIngest(broker, {
    INGEST_PROVIDER_EVENTS_PER_SECOND: String(SHARE_PER_SECOND),
  });
  const [greedy, neighbour] = [await newProvider(), await newProvider()];
  const load = (provider: Provider, requestsPerSecond: number): Promise<ProviderResult> =>
    runProvider({
      ...provider,
      url: ingest.url,
      eventsPerRequest: 1,
      requestsPerSecond,
      connections: CONNECTIONS,
      durationMs: roundMs,
    });
  const togetherWith = async (times: number): Promise<ProviderResult> => {
    // Below its share, so that nothing of it is refused.
    const loads = [load(neighbour, SHARE_PER_SECOND * 0.9), load(greedy, SHARE_PER_SECOND * times)];
    const [result] = await Promise.all(loads);
    if (result!.refused > 0) throw new Error(`${result!.refused} requests of the neighbour were refused`);
    return result!;
  };
  say(`two providers, one of which sends ten times its share of ${SHARE_PER_SECOND} events/s`);
  const results = await alternate({
    rounds,
    reference: () => togetherWith(0.9),
    subject: () => togetherWith(10),
  });
  const side = (name: string, figures: readonly ProviderResult[]) =>
    sideResult(
      name,
      figures.map(({ micros }) => micros.p99 / 1_000),
    );
  return [
    {
      kind: 'comparison',
      name: 'p99 of a provider while another one sends ten times its share',
      unit: 'ms',
      target: { atMost: 2 },
      result: comparison(side('ten times', results.subject), side('its share', results.reference)),
    },
    latencyRow('the provider, while another one sends ten times its share', results.subject),
  ];
}

/** The round with the median p99. */
function latencyRow(name: string, rounds: readonly ProviderResult[]): Row {
  const sorted = rounds.toSorted((one, other) => one.micros.p99 - other.micros.p99);
  const { micros, accepted, refused, unsent } = sorted[Math.floor((sorted.length - 1) / 2)]!;
  const note = `${accepted} accepted, ${refused} refused, ${unsent} not sent`;
  return { kind: 'latency', name, note, micros };
}

function startIngest(broker: SystemProcess, env: Readonly<Record<string, string>>): Promise<SystemProcess> {
  return startHttpProcess({
    script: 'apps/ingest/dist/main.js',
    nodeOptions: INGEST_V8_OPTIONS,
    env: { KAFKA_BROKERS: broker.url, AUTH_JWT_SECRET: SECRET, ...env },
    readyPath: '/health/ready',
  });
}

async function newProvider(): Promise<Provider> {
  const providerId = randomUUID();
  return { providerId, token: await makeToken(SECRET, { scopes: ['write'], providerId }, '1h') };
}

async function runProvider(load: ProviderLoad): Promise<ProviderResult> {
  const output = await runToEnd('bench/dist/load/provider.js', [JSON.stringify(load)], {});
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as ProviderResult;
}
