import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CoresError, separateCores } from '../../harness/cores.js';
import { openLoop, saturate } from '../../harness/load.js';
import type { Percentiles, Row } from '../../harness/report.js';
import { alternate, compare, comparison, sideResult } from '../../harness/rounds.js';
import type { Answer, Question } from '../../load/latency-consumer.js';
import { makeValue, plainClient, withTopic } from '../../load/plain-client.js';
import { MONOTONIC_MINUS_PERFORMANCE_MS, writePlannedAt } from '../../load/planned-time.js';
import type { Effort } from '../../harness/suite.js';
import type { BrokerSide, Sides } from './sides.js';

/** Records per send, as from a service that batches for some milliseconds. */
const BATCH = 100;
/** In-flight sends while the maximum is measured. */
const CALLERS = 8;
const LOADS = [0.1, 0.5, 0.8];
/** Duration of the warm-up load. */
const WARM_UP_MS = 2_000;
/** Time limit for the consumer to catch up after the load. */
const CAUGHT_UP_WITHIN_MS = 60_000;
const CAUGHT_UP_POLL_MS = 10;

const consumerScript = fileURLToPath(new URL('../../load/latency-consumer.js', import.meta.url));

/**
 * Latency from the planned time of a record to its consumption, with the producer and the consumer in separate
 * processes. Both brokers run, on half of the cores; the producer and the consumer have the others.
 */
export async function measureLatency(
  effort: Effort,
  sides: Sides,
  say: (what: string) => void,
): Promise<Row[]> {
  await using cores = await separateCores([sides.subject.pid, sides.reference.pid]).catch(
    (error: unknown) => {
      if (!(error instanceof CoresError)) throw error;
      say(`latency, brokers and clients share all cores: ${error.message}`);
      return undefined;
    },
  );
  if (cores !== undefined) say(`latency, brokers on the cores ${cores.servers}, clients on ${cores.clients}`);
  const given = cores === undefined ? 'shared cores' : 'separate cores';
  return await measureOnGivenCores(effort, sides, { cores: given, say });
}

async function measureOnGivenCores(
  effort: Effort,
  { subject, reference }: Sides,
  { cores, say }: { cores: string; say: (what: string) => void },
): Promise<Row[]> {
  say('maximum throughput of a producer with a consumer');
  const side = (broker: BrokerSide) => ({
    name: broker.name,
    measure: () => maxRecordsPerSecond(broker.address, effort),
  });
  const throughput = await compare({
    rounds: effort.rounds,
    subject: side(subject),
    reference: side(reference),
  });
  const row = { kind: 'comparison', unit: 'ms' } as const;
  const rows: Row[] = [
    {
      ...row,
      unit: 'records/s',
      name: `kafkajs producer with consumer, ${BATCH} messages per send, ${cores}`,
      target: { atLeast: 1 },
      result: throughput,
    },
  ];
  // A rate that both can sustain.
  const maximum = Math.min(throughput.subject.median, throughput.reference.median);
  const p99Of = new Map<number, number[]>();
  for (const load of LOADS) {
    const rate = maximum * load;
    say(`open loop, ${Math.round(rate)} records/s`);
    const results = await alternate({
      rounds: effort.rounds,
      subject: () => latencyAt(subject.address, rate, effort),
      reference: () => latencyAt(reference.address, rate, effort),
    });
    for (const [name, target] of [
      ['p50', null],
      ['p99', { atMost: 1 }],
    ] as const) {
      const of = (all: readonly Percentiles[]) => all.map((each) => each[name] / 1_000);
      rows.push({
        ...row,
        name: `end-to-end latency, ${name} at ${load * 100} % of the lower maximum (${Math.round(rate)} records/s), ${cores}`,
        target,
        result: comparison(
          sideResult(subject.name, of(results.subject)),
          sideResult(reference.name, of(results.reference)),
        ),
      });
      if (name === 'p99') p99Of.set(load, of(results.subject));
    }
  }
  return [...rows, await flatness(effort, subject, throughput.subject.median, say)];
}

/** The p99 of the embedded broker at 80 % of its maximum, compared with its p99 at 10 %. */
async function flatness(
  effort: Effort,
  broker: BrokerSide,
  maximum: number,
  say: (what: string) => void,
): Promise<Row> {
  say(`${broker.name} alone, at 10 and 80 % of its own maximum`);
  const p99At = async (load: number) => (await latencyAt(broker.address, maximum * load, effort)).p99 / 1_000;
  return {
    kind: 'comparison',
    name: `end-to-end latency, p99 at 80 % of its own maximum (${Math.round(maximum)} records/s)`,
    unit: 'ms',
    target: { atMost: 2 },
    result: await compare({
      rounds: effort.rounds,
      subject: { name: broker.name, measure: () => p99At(0.8) },
      reference: { name: 'at 10 %', measure: () => p99At(0.1) },
    }),
  };
}

/** Records per second from the first send until the last record was consumed. */
async function maxRecordsPerSecond(address: string, effort: Effort): Promise<number> {
  return withLoad(address, async ({ send, consumer }) => {
    await saturate({ durationMs: WARM_UP_MS, concurrency: CALLERS, operation: () => send(monotonicNow()) });
    await consumer.begin();
    const startedAt = performance.now();
    let records = 0;
    const operation = async (): Promise<void> => {
      await send(monotonicNow());
      records += BATCH;
    };
    await saturate({ durationMs: effort.roundMs, concurrency: CALLERS, operation });
    await consumer.caughtUp();
    return (records * 1_000) / (performance.now() - startedAt);
  });
}

async function latencyAt(address: string, recordsPerSecond: number, effort: Effort): Promise<Percentiles> {
  return withLoad(address, async ({ send, consumer }) => {
    const ratePerSecond = recordsPerSecond / BATCH;
    const operation = (plannedAtMs: number) => send(plannedAtMs + MONOTONIC_MINUS_PERFORMANCE_MS);
    await openLoop({ durationMs: WARM_UP_MS, ratePerSecond, operation });
    await consumer.begin();
    await openLoop({ durationMs: effort.roundMs * 2, ratePerSecond, operation });
    return consumer.caughtUp();
  });
}

function monotonicNow(): number {
  return performance.now() + MONOTONIC_MINUS_PERFORMANCE_MS;
}

interface Load {
  /** Sends a batch of records with this planned time, by the common clock. */
  send(plannedAtMs: number): Promise<void>;
  readonly consumer: {
    /** Discards the measurements once all sent records were received. */
    begin(): Promise<void>;
    /** Resolves once all records sent since then were received. */
    caughtUp(): Promise<Percentiles>;
  };
}

async function withLoad<T>(address: string, measure: (load: Load) => Promise<T>): Promise<T> {
  return withTopic(address, async (topic) => {
    const consumer = fork(consumerScript, [address, topic]);
    const producer = plainClient(address).producer({ allowAutoTopicCreation: false });
    try {
      await answerOf(consumer, 'reading');
      await producer.connect();
      let sent = 0;
      const filling = makeValue();
      const send = async (plannedAtMs: number): Promise<void> => {
        const value = Buffer.from(filling);
        writePlannedAt(value, plannedAtMs);
        sent += BATCH;
        await producer.send({ topic, acks: 1, messages: Array.from({ length: BATCH }, () => ({ value })) });
      };
      const caughtUp = async (): Promise<Percentiles> => {
        const giveUpAt = performance.now() + CAUGHT_UP_WITHIN_MS;
        for (;;) {
          const micros = await ask(consumer, 'report');
          if (micros.count === sent) return micros;
          if (performance.now() > giveUpAt) {
            throw new Error(`the consumer received ${micros.count} of ${sent} records`);
          }
          await delay(CAUGHT_UP_POLL_MS);
        }
      };
      const begin = async (): Promise<void> => {
        await caughtUp();
        await ask(consumer, 'begin');
        sent = 0;
      };
      return await measure({ send, consumer: { begin, caughtUp } });
    } finally {
      await producer.disconnect();
      await end(consumer);
    }
  });
}

async function ask(consumer: ChildProcess, question: Question): Promise<Percentiles> {
  consumer.send(question);
  const answer = await answerOf(consumer, 'report');
  if (answer.kind !== 'report') throw new Error(`expected a report from the consumer, got '${answer.kind}'`);
  return answer.micros;
}

/** @throws Error if the consumer exits */
async function answerOf(consumer: ChildProcess, kind: Answer['kind']): Promise<Answer> {
  const answered = new AbortController();
  const ended = once(consumer, 'exit', { signal: answered.signal }).then(() => {
    throw new Error('the consumer process has exited');
  });
  try {
    for (;;) {
      const message = once(consumer, 'message', { signal: answered.signal });
      const [answer] = (await Promise.race([message, ended])) as [Answer];
      if (answer.kind === kind) return answer;
    }
  } finally {
    // Removes the listener of the promise that lost the race.
    ended.catch(() => undefined);
    answered.abort();
  }
}

async function end(consumer: ChildProcess): Promise<void> {
  if (consumer.exitCode !== null || consumer.signalCode !== null) return;
  const exited = once(consumer, 'exit');
  consumer.disconnect();
  await exited;
}
