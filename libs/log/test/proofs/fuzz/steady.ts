import { readBatchHeader } from '../../../src/protocol/record-batch.js';
import { makeRecordBatch, recordsOf } from '../../../src/protocol/records.js';
import { RawClient } from '../../broker/raw-client.js';
import { createTopic } from '../crash/topics.js';

const PRODUCE = 0;
const FETCH = 1;
const TOPIC = 'steady';
const MAX_BYTES = 1 << 20;
const MAX_WAIT_MS = 200;
const TIMEOUT_MS = 30_000;
/** Time between two records, so that this client uses little of the broker's capacity. */
const PAUSE_MS = 5;

/** A client that is served during the whole run: it appends numbers and reads them back, each once and in order. */
export class SteadyClient {
  /** Number of appended records. */
  appended = 0;
  private listeners: ((appended: number) => boolean)[] = [];
  private read = 0;
  private stopping = false;
  private working: Promise<unknown> = Promise.resolve();

  private constructor(
    private readonly producer: RawClient,
    private readonly consumer: RawClient,
  ) {}

  static async begin(port: number): Promise<SteadyClient> {
    const client = new SteadyClient(await RawClient.connect(port), await RawClient.connect(port));
    // Everything is read again at the end, so retention, which runs for the other topics, must not delete records of
    // this one.
    await createTopic(client.producer, TOPIC, 1, { 'retention.bytes': '-1' });
    client.working = Promise.all([client.append(), client.readOn()]);
    // Reported to the caller that waits for the end.
    client.working.catch(() => undefined);
    return client;
  }

  /** Calls back after each record until the callback returns false. */
  onAppended(listener: (appended: number) => boolean): void {
    this.listeners.push(listener);
  }

  /** Rejects if a request fails. */
  get failed(): Promise<unknown> {
    return this.working;
  }

  /**
   * Reads the remaining records.
   * @returns the number of records read
   * @throws Error if a request fails
   */
  async end(): Promise<number> {
    this.stopping = true;
    await this.working;
    this.producer[Symbol.dispose]();
    this.consumer[Symbol.dispose]();
    return this.read;
  }

  /**
   * Reads everything again from a restarted broker.
   * @throws Error if a record is missing
   */
  async expectAll(port: number): Promise<void> {
    using client = await RawClient.connect(port);
    for (let next = 0; next < this.appended;) next = await fetchFrom(client, next);
  }

  private async append(): Promise<void> {
    while (!this.stopping) {
      const batch = makeRecordBatch(
        [{ key: null, value: Buffer.from(String(this.appended)) }],
        BigInt(Date.now()),
      );
      const answer = await this.producer.call<{
        topics: { partitions: { errorCode: number; baseOffset: bigint }[] }[];
      }>(PRODUCE, 7, {
        transactionalId: null,
        acks: -1,
        timeoutMs: TIMEOUT_MS,
        topics: [{ name: TOPIC, partitions: [{ index: 0, records: [batch] }] }],
      });
      const [partition] = answer.topics[0]?.partitions ?? [];
      if (partition?.errorCode !== 0 || partition.baseOffset !== BigInt(this.appended)) {
        throw new Error(`record ${this.appended}: error ${partition?.errorCode}, ${partition?.baseOffset}`);
      }
      this.appended++;
      this.listeners = this.listeners.filter((listener) => listener(this.appended));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }

  private async readOn(): Promise<void> {
    while (!this.stopping || this.read < this.appended) this.read = await fetchFrom(this.consumer, this.read);
  }
}

/**
 * Reads from a record on.
 * @returns the next record to read
 * @throws Error if a different record is returned
 */
async function fetchFrom(client: RawClient, from: number): Promise<number> {
  const fetched = { partition: 0, fetchOffset: BigInt(from), partitionMaxBytes: MAX_BYTES };
  const answer = await client.call<{
    topics: { partitions: { errorCode: number; records: Buffer[] | null }[] }[];
  }>(FETCH, 4, {
    replicaId: -1,
    maxWaitMs: MAX_WAIT_MS,
    minBytes: 1,
    maxBytes: MAX_BYTES,
    isolationLevel: 0,
    topics: [{ topic: TOPIC, partitions: [fetched] }],
  });
  const [partition] = answer.topics[0]?.partitions ?? [];
  if (partition?.errorCode !== 0) throw new Error(`record ${from}: error ${partition?.errorCode}`);
  const bytes = Buffer.concat(partition.records ?? []);
  let next = from;
  for (let at = 0; at < bytes.length;) {
    const { sizeBytes } = readBatchHeader(bytes, at);
    for (const { value } of recordsOf(bytes.subarray(at, at + sizeBytes))) {
      if (String(value) !== String(next)) throw new Error(`record ${next} is ${value}`);
      next++;
    }
    at += sizeBytes;
  }
  return next;
}
