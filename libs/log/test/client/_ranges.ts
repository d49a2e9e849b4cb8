import { afterEach, beforeEach, expect } from 'vitest';
import {
  createAdmin,
  createRangeReader,
  type LogRange,
  type RangeBatch,
  type RangeRead,
  type RangeReader,
  type RangeReaderOptions,
  type RangeRequest,
} from '../../src/client/index.js';
import { deleteRecords } from '../../src/testing.js';
import { append, Bench, logger, record } from './_util.js';

/** A broker and range readers for each test of a file. */
export class RangeBench {
  private started: Bench | undefined;
  private readonly readers: RangeReader[] = [];

  constructor() {
    beforeEach(async () => {
      this.started = await Bench.start({ settings: { 'metrics.port': '0' } });
    });
    afterEach(async () => {
      await Promise.all(this.readers.splice(0).map((reader) => reader[Symbol.asyncDispose]()));
      await this.started?.[Symbol.asyncDispose]();
    });
  }

  get bench(): Bench {
    if (!this.started) throw new Error('no test is running');
    return this.started;
  }

  openReader(options: Partial<RangeReaderOptions> = {}): RangeReader {
    const reader = createRangeReader({ connection: this.bench.connection, logger, ...options });
    this.readers.push(reader);
    return reader;
  }

  /** Appends records one by one, so that each is a separate batch. Returns their values. */
  async appendOneByOne(
    topic: string,
    count: number,
    { first = 0, size = 1 }: { first?: number; size?: number } = {},
  ): Promise<string[]> {
    const producer = this.bench.producer({ lingerMs: 0 });
    const values = Array.from({ length: count }, (_, index) => `${first + index}`.padStart(size, '0'));
    for (const [index, value] of values.entries()) {
      await append(producer, [{ ...record(topic, 'k', value), timestampMs: 1_000 + first + index }]);
    }
    return values;
  }

  /** The value of one series of the broker's metrics. */
  async metric(series: string): Promise<number> {
    const response = await fetch(`${this.bench.broker.metricsUrl}/metrics`);
    const line = (await response.text()).split('\n').find((each) => each.startsWith(`${series} `));
    return Number(line?.slice(series.length + 1) ?? 0);
  }

  sentBytes(topic: string): Promise<number> {
    return this.metric(`broker_topic_sent_bytes_total{topic="${topic}"}`);
  }

  deleteRecords(topic: string, offset: bigint): Promise<void> {
    return deleteRecords(this.bench.broker, { topic, offset });
  }

  async recreate(topic: string): Promise<void> {
    await this.bench.removeTopic(topic);
    await using admin = createAdmin({ connection: this.bench.connection, logger });
    await admin.ensureTopics([{ name: topic, partitions: 1 }]);
  }
}

export async function collect(reader: RangeReader, request: RangeRequest): Promise<RangeBatch[]> {
  return drain(await reader.readRange(request));
}

export async function drain(read: RangeRead): Promise<RangeBatch[]> {
  const batches: RangeBatch[] = [];
  for await (const batch of read) batches.push(batch);
  return batches;
}

export const whole = (topic: string): LogRange[] => [{ topic, from: 'earliest', to: 'latest' }];

export const valuesOf = (batches: readonly RangeBatch[], partition = 0): string[] =>
  batches
    .filter((batch) => batch.partition === partition)
    .flatMap(({ records }) => records.map(({ value }) => String(value)));

/** Fails unless the batches of each partition follow each other from `from` to `to`. */
export function expectContiguous(
  batches: readonly RangeBatch[],
  { from, to }: { from: bigint; to: bigint },
): void {
  let position = from;
  for (const batch of batches) {
    expect(batch.from).toBe(position);
    expect(batch.nextOffset).toBeGreaterThan(batch.from);
    for (const { offset } of batch.records) {
      expect(offset).toBeGreaterThanOrEqual(position);
      position = offset + 1n;
    }
    expect(batch.nextOffset).toBeGreaterThanOrEqual(position);
    position = batch.nextOffset;
  }
  expect(position).toBe(to);
}
