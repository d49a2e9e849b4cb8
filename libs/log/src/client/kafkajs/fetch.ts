import assert from 'node:assert';
import { randomUUID } from 'node:crypto';
import { createRequire } from 'node:module';
import type { KafkaMessage } from 'kafkajs';
import { ErrorCode } from '../../protocol/error-codes.js';
import { FETCH, type FetchedPartitionResponse } from '../../protocol/fetch.js';
import { partitionName } from '../../protocol/topic-partition.js';
import { Reader } from '../../protocol/reader.js';
import { ReadAhead, type FetchRequest, type FetchResponse } from './read-ahead.js';
import type { FetchedRecordSet } from '../record/record-set.js';

/*
 * Fetch (key 1), versions 4 to 11, as kafkajs sends it. kafkajs decodes all records without limits before a consumer sees
 * them, and fails the whole response if one partition cannot be decoded. This decoder passes on the bytes of each partition
 * unchanged.
 */

/** What a Fetch returned for one partition. */
export interface FetchedPartition extends FetchedRecordSet {
  /** The offset that was requested. */
  readonly position: bigint;
  /** Whether the log does not have that offset. Then there are no bytes. */
  readonly isOutOfRange: boolean;
  readonly highWatermark: bigint;
  /** Where readers of committed records end. */
  readonly lastStableOffset: bigint;
  /** -1 if the broker does not return it. */
  readonly logStartOffset: bigint;
}

type FetchTopic = FetchRequest['topics'][number];

interface FetchProtocol {
  readonly request: unknown;
  readonly requestTimeout: number;
  readonly response: {
    decode(payload: Buffer): Promise<unknown>;
    readonly parse: (decoded: unknown) => Promise<unknown>;
  };
}

interface FetchApi {
  protocol(of: { readonly version: number }): (options: FetchRequest) => FetchProtocol;
}

const require = createRequire(import.meta.url);
const fetchApi = require('kafkajs/src/protocol/requests/fetch/index.js') as FetchApi;

/** The instances by their rack id, the only consumer option that kafkajs passes on with each request. */
const registered = new Map<string, RawFetches>();
const originalProtocol = fetchApi.protocol.bind(fetchApi);

fetchApi.protocol = ({ version }) => {
  const original = originalProtocol({ version });
  return (options) => {
    const fetches = registered.get(options.rackId ?? '');
    return fetches ? fetches.request(version, original, options) : original(options);
  };
};

interface FetchingBroker {
  fetch(request: FetchRequest): Promise<FetchResponse>;
}

const { prototype } = require('kafkajs/src/broker/index.js') as { prototype: FetchingBroker };
const originalFetch = Object.getOwnPropertyDescriptor(prototype, 'fetch')!.value as (
  this: FetchingBroker,
  request: FetchRequest,
) => Promise<FetchResponse>;

prototype.fetch = function (this: FetchingBroker, request: FetchRequest): Promise<FetchResponse> {
  const send = (each: FetchRequest): Promise<FetchResponse> => originalFetch.call(this, each);
  const fetches = registered.get(request.rackId ?? '');
  return fetches ? fetches.fetch(this, request, send) : send(request);
};

/** The fetches of one kafkajs consumer, which must be created with {@link rackId}. */
export class RawFetches implements Disposable {
  readonly rackId = `raw:${randomUUID()}`;
  private readonly wantedBytes = new Map<string, number>();
  /** By broker, as kafkajs has one fetch from each at a time. */
  private readonly readAheads = new WeakMap<object, ReadAhead>();
  private turn = 0;
  private hasSucceeded = false;

  constructor() {
    registered.set(this.rackId, this);
  }

  /** Lets the next fetch of the partition request `sizeBytes`, the size of its next batch. */
  want(topic: string, partition: number, sizeBytes: number): void {
    this.wantedBytes.set(partitionName(topic, partition), sizeBytes);
  }

  /** Whether a broker has returned what was requested from it, without an error of a partition. */
  get hasFetched(): boolean {
    return this.hasSucceeded;
  }

  async fetch(
    broker: object,
    request: FetchRequest,
    send: (request: FetchRequest) => Promise<FetchResponse>,
  ): Promise<FetchResponse> {
    const readAhead = this.readAheads.get(broker) ?? new ReadAhead();
    this.readAheads.set(broker, readAhead);
    const response = await readAhead.fetch(request, send);
    this.hasSucceeded = true;
    return response;
  }

  /** Returns kafkajs's request with another decoder of the response. */
  request(
    version: number,
    original: (options: FetchRequest) => FetchProtocol,
    options: FetchRequest,
  ): FetchProtocol {
    if (version < FETCH.minVersion) throw new Error(`the broker speaks Fetch up to version ${version} only`);
    const topics = this.inTurn(options.topics).map(({ topic, partitions }) => ({
      topic,
      partitions: partitions.map((each) => ({
        ...each,
        maxBytes: Math.max(each.maxBytes, this.takeWanted(topic, each.partition)),
      })),
    }));
    const protocol = original({ ...options, rackId: '', topics });
    const positions = new Map(
      topics.flatMap(({ topic, partitions }) =>
        partitions.map(
          ({ partition, fetchOffset }) => [partitionName(topic, partition), BigInt(fetchOffset)] as const,
        ),
      ),
    );
    return {
      ...protocol,
      response: {
        decode: async (payload) => decode(payload, version, positions),
        parse: protocol.response.parse,
      },
    };
  }

  [Symbol.dispose](): void {
    registered.delete(this.rackId);
  }

  private takeWanted(topic: string, partition: number): number {
    const bytes = this.wantedBytes.get(partitionName(topic, partition)) ?? 0;
    this.wantedBytes.delete(partitionName(topic, partition));
    return bytes;
  }

  /**
   * Rotates the partitions, so that each is the first of a request in turn. A broker returns a batch that exceeds the limits
   * only for the first partition with records: behind a partition that always has some, it would never be read.
   */
  private inTurn(topics: readonly FetchTopic[]): FetchTopic[] {
    const total = topics.reduce((sum, { partitions }) => sum + partitions.length, 0);
    let first = total === 0 ? 0 : this.turn++ % total;
    const index = topics.findIndex(({ partitions }) => {
      if (first < partitions.length) return true;
      first -= partitions.length;
      return false;
    });
    const [head, ...rest] = rotate(topics, index);
    return head ? [{ ...head, partitions: rotate(head.partitions, first) }, ...rest] : [];
  }
}

function rotate<T>(list: readonly T[], start: number): T[] {
  return [...list.slice(start), ...list.slice(0, start)];
}

/** The fetched partition that a message in `eachBatch` carries, if its consumer has the rack id of a {@link RawFetches}. */
export function carried(message: KafkaMessage | undefined): FetchedPartition | undefined {
  return (message as Partial<Carrier> | undefined)?.fetched;
}

/** A message that carries everything that was fetched from a partition. */
interface Carrier {
  readonly offset: string;
  readonly fetched: FetchedPartition;
}

/** kafkajs drops messages before the requested offset, so the carrier has the highest one. */
const NEVER_PASSED = String(2n ** 63n - 1n);

function decode(payload: Buffer, version: number, positions: ReadonlyMap<string, bigint>): unknown {
  const { throttleTimeMs, errorCode, sessionId, topics } = FETCH.response.read(
    new Reader(payload, false, version),
  );
  return {
    throttleTime: 0,
    clientSideThrottleTime: throttleTimeMs,
    errorCode,
    sessionId,
    responses: topics.map(({ topic, partitions }) => ({
      topicName: topic,
      partitions: partitions.map((each) => {
        const position = positions.get(partitionName(topic, each.partition));
        assert.ok(position !== undefined, `${partitionName(topic, each.partition)} was not requested`);
        return toKafkajs(each, position);
      }),
    })),
  };
}

/** One partition of a Fetch response; its buffers are borrowed from the response. */
export function toFetchedPartition(answer: FetchedPartitionResponse, position: bigint): FetchedPartition {
  return {
    bytes: answer.records?.[0] ?? Buffer.alloc(0),
    aborted: answer.abortedTransactions ?? [],
    position,
    isOutOfRange: answer.errorCode === ErrorCode.OFFSET_OUT_OF_RANGE,
    highWatermark: answer.highWatermark,
    lastStableOffset: answer.lastStableOffset >= 0n ? answer.lastStableOffset : answer.highWatermark,
    logStartOffset: answer.logStartOffset,
  };
}

function toKafkajs(answer: FetchedPartitionResponse, position: bigint): unknown {
  const fetched = toFetchedPartition(answer, position);
  const { isOutOfRange, bytes } = fetched;
  const carrier: Carrier = { offset: NEVER_PASSED, fetched };
  return {
    partition: answer.partition,
    // kafkajs would move to the earliest offset by itself, without reporting the gap.
    errorCode: isOutOfRange ? ErrorCode.NONE : answer.errorCode,
    highWatermark: String(answer.highWatermark),
    lastStableOffset: String(answer.lastStableOffset),
    lastStartOffset: String(answer.logStartOffset),
    abortedTransactions: [],
    preferredReadReplica: answer.preferredReadReplica,
    messages: bytes.length > 0 || isOutOfRange ? [carrier] : [],
  };
}
