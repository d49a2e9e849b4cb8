import { until } from '@hailstream/service/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { createRangeReader } from '../../src/client/index.js';
import { ErrorCode } from '../../src/protocol/error-codes.js';
import type { ProduceResponse } from '../../src/protocol/produce.js';
import { partitionName } from '../../src/protocol/topic-partition.js';
import { FaultyProxy, type ProduceFault } from './_faulty-proxy.js';
import { append, Bench, failures, logger, record } from './_util.js';

const ONE_HOUR_MS = 3_600_000;

let proxy: FaultyProxy;
let bench: Bench;

beforeAll(async () => {
  proxy = await FaultyProxy.start();
  bench = await Bench.start({ settings: { 'advertised.listeners': `PLAINTEXT://${proxy.address}` } });
  proxy.to(bench.broker.port);
});
afterEach(async () => {
  proxy.faultOf = () => undefined;
  await bench.reset();
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await proxy[Symbol.asyncDispose]();
});

/** Responds with an error for the partitions that `applies` to. The broker has appended their batches. */
const withError =
  (errorCode: number, applies: (topic: string, index: number) => boolean = () => true) =>
  (response: ProduceResponse): ProduceResponse => ({
    ...response,
    topics: response.topics.map(({ name, partitions }) => ({
      name,
      partitions: partitions.map((partition) =>
        applies(name, partition.index) ? { ...partition, errorCode, baseOffset: -1n } : partition,
      ),
    })),
  });

/** Leaves the first partition out of the response. */
const withoutFirst = (response: ProduceResponse): ProduceResponse => ({
  ...response,
  topics: response.topics.map(({ name, partitions }, index) => ({
    name,
    partitions: index === 0 ? partitions.slice(1) : partitions,
  })),
});

const isOdd = (_: string, index: number): boolean => index % 2 === 1;

const FAULTS: readonly ProduceFault[] = [
  { kind: 'cut-request' },
  { kind: 'cut-response' },
  { kind: 'delay', ms: 30 },
  { kind: 'change', change: withError(ErrorCode.NOT_LEADER_OR_FOLLOWER, isOdd) },
  { kind: 'change', change: withoutFirst },
  { kind: 'change', change: withError(ErrorCode.NOT_ENOUGH_REPLICAS_AFTER_APPEND) },
];

describe('Producer behind a faulty network', () => {
  it('appends every record once and in order, at the offset that it reports', async () => {
    const topic = await bench.topic(12);
    const producer = bench.producer({ batchBytes: 100, deliveryTimeoutMs: 60_000 });
    await append(producer, [record(topic, 'first', '0')]);
    // Every second request has a fault.
    proxy.faultOf = (index) => (index % 2 === 0 ? undefined : FAULTS[((index - 1) / 2) % FAULTS.length]);
    const sent = Array.from({ length: 3_000 }, (_, n) => record(topic, `key-${n % 40}`, String(n)));
    const results = (await Promise.all(sent.map((one) => producer.send([one])))).flat();
    expect(failures(results)).toEqual([]);
    const kinds = new Set(proxy.happened);
    expect([...kinds].toSorted()).toEqual(['change', 'cut-request', 'cut-response', 'delay']);
    expect(proxy.happened.length).toBeGreaterThanOrEqual(FAULTS.length);

    const found = new Map<string, string>();
    await using reader = createRangeReader({ connection: bench.connection, logger });
    const ranges = [{ topic, from: 'earliest', to: 'latest' }] as const;
    for await (const { partition, records } of await reader.readRange({ ranges })) {
      for (const { offset, key, value } of records)
        found.set(`${partitionName(topic, partition)}@${offset}`, `${key}:${value}`);
    }
    expect(found.size).toBe(sent.length + 1);
    // Offsets that increase with the number of each key are the order.
    const last = new Map<string, bigint>();
    for (const [n, result] of results.entries()) {
      if (result.kind === 'failed') throw result.error;
      const key = `key-${n % 40}`;
      expect(found.get(`${partitionName(topic, result.partition)}@${result.offset}`)).toBe(`${key}:${n}`);
      expect(result.offset).toBeGreaterThan(last.get(key) ?? -1n);
      last.set(key, result.offset);
    }
  });

  it('reports a partition while another one of the same request has errors', async () => {
    const [failing, other] = [await bench.topic(1), await bench.topic(1)];
    const producer = bench.producer();
    await append(producer, [record(failing, 'k', '1'), record(other, 'k', '1')]);
    const change = withError(ErrorCode.NOT_LEADER_OR_FOLLOWER, (name) => name === failing);
    proxy.faultOf = () => ({ kind: 'change', change });
    let isSettled = false;
    const late = producer.send([record(failing, 'k', '2')]).finally(() => (isSettled = true));
    await append(producer, [record(other, 'k', '2')]);
    expect(isSettled).toBe(false);
    proxy.faultOf = () => undefined;
    expect(failures(await late)).toEqual([]);
    expect(await bench.read(failing)).toEqual(['k:1', 'k:2']);
  });

  it.each([
    ['refused', ErrorCode.TOPIC_AUTHORIZATION_FAILED],
    ['refused as too large', ErrorCode.MESSAGE_TOO_LARGE],
  ])('does not lose the record after one that was %s when it was repeated', async (_, errorCode) => {
    const topic = await bench.topic(1);
    const producer = bench.producer();
    await append(producer, [record(topic, 'k', '0')]);
    // The broker has the batch. If the producer used its sequence number again, the broker would leave out the next batch.
    bench.broker.inject({ api: 'Produce', dropAnswer: true });
    bench.broker.inject({ api: 'Produce', errorCode });
    expect(failures(await producer.send([record(topic, 'k', '1')]))).toMatchObject([{ retryable: false }]);
    await append(producer, [record(topic, 'k', '2')]);
    expect(await bench.read(topic)).toEqual(['k:0', 'k:1', 'k:2']);
  });

  it.each([
    ['UNKNOWN_PRODUCER_ID', ErrorCode.UNKNOWN_PRODUCER_ID],
    ['OUT_OF_ORDER_SEQUENCE_NUMBER', ErrorCode.OUT_OF_ORDER_SEQUENCE_NUMBER],
    ['INVALID_PRODUCER_EPOCH', ErrorCode.INVALID_PRODUCER_EPOCH],
  ])('continues with a new producer id after %s, and reports the partitions without it', async (_, code) => {
    const topic = await bench.topic(4);
    const producer = bench.producer();
    const inAll = (value: string) =>
      [0, 1, 2, 3].map((partition) => ({ ...record(topic, `p${partition}`, value), partition }));
    await append(producer, inAll('0'));
    const change = withError(code, isOdd);
    const from = proxy.produceRequests;
    proxy.faultOf = (index) => (index === from ? { kind: 'change', change } : undefined);
    const results = await producer.send(inAll('1'));
    expect(results.map(({ kind }) => kind)).toEqual(['appended', 'failed', 'appended', 'failed']);
    expect(failures(results)).toMatchObject([{ retryable: true }, { retryable: true }]);
    await append(producer, inAll('2'));
    expect(new Set(await bench.read(topic)).size).toBe(12);
  });

  it('sends nothing while the broker throttles it', async () => {
    const topic = await bench.topic(1);
    const producer = bench.producer({ deliveryTimeoutMs: 500 });
    const change = (response: ProduceResponse) => ({ ...response, throttleTimeMs: ONE_HOUR_MS });
    const from = proxy.produceRequests;
    proxy.faultOf = () => ({ kind: 'change', change });
    await append(producer, [record(topic, 'k', '1')]);
    expect(failures(await producer.send([record(topic, 'k', '2')]))).toMatchObject([{ code: 'TIMED_OUT' }]);
    expect(proxy.produceRequests).toBe(from + 1);
    proxy.faultOf = () => undefined;
    await until(async () => failures(await producer.send([record(topic, 'k', '3')])).length === 0);
    expect(await bench.read(topic)).toEqual(['k:1', 'k:3']);
  });
});
