import assert from 'node:assert';
import type { FetchedPartition } from '../kafkajs/fetch.js';
import { cutBatchBytes, endOfRecordSet } from '../record/record-set.js';
import type { LedRange } from './resolve-ranges.js';

/** How often a damaged batch is fetched before it counts as undecodable: it may have been damaged in transit. */
const DAMAGED_FETCHES = 3;

/** How far one partition of a read has come: what was returned, what was fetched, and what is wrong with it. */
export class PartitionCursor {
  leader: number;
  /** Offset after what was returned. */
  position: bigint;
  /** Offset of the next fetch: fetching is one set ahead of returning. */
  fetchPosition: bigint;
  /** What was fetched and not yet decoded. */
  fetched: FetchedPartition | undefined;
  /** Whether it is being fetched, or waits after a failure. */
  isBusy = false;
  /** Number of the request that returned something last: partitions take turns. */
  servedAt = 0;
  /** Bytes that the next batch needs, if it was cut off. */
  neededBytes = 0;
  /** In a row, without a response that had records. */
  failures = 0;
  failingSinceMs: number | undefined;
  /** Since when no broker has known the topic. */
  unknownSinceMs: number | undefined;
  /** Since when the partition appears to end before the position. */
  truncatedSinceMs: number | undefined;
  private damaged = { baseOffset: -1n, fetches: 0 };
  private epoch = 0;

  constructor(readonly range: LedRange) {
    this.leader = range.leader;
    this.position = range.from;
    this.fetchPosition = range.from;
  }

  get isDone(): boolean {
    return this.position >= this.range.to;
  }

  get isFetchable(): boolean {
    return !this.isBusy && this.fetched === undefined && !this.isDone && this.fetchPosition < this.range.to;
  }

  /** Marks the start of a fetch. The function that it returns tells whether its response is still of use. */
  beginFetch(): () => boolean {
    const { epoch } = this;
    this.isBusy = true;
    return () => epoch === this.epoch;
  }

  /** Keeps what was fetched. Returns whether there is anything to decode. */
  receive(fetched: FetchedPartition, request: number): boolean {
    this.neededBytes = cutBatchBytes(fetched.bytes) ?? 0;
    const end = fetched.isOutOfRange ? this.fetchPosition : endOfRecordSet(fetched.bytes);
    if (end === undefined) return false;
    this.fetched = fetched;
    this.servedAt = request;
    // A set that does not say where it ends is decoded before anything else is fetched.
    this.fetchPosition = end > this.fetchPosition ? end : this.range.to;
    return true;
  }

  /** What was fetched, and the offset after it. */
  take(): { readonly fetched: FetchedPartition; readonly end: bigint } {
    const { fetched, fetchPosition } = this;
    assert.ok(fetched, 'nothing was fetched');
    this.fetched = undefined;
    return { fetched, end: fetchPosition };
  }

  /** Moves the position, at most to the end of the range. Returns where it is now. */
  moveTo(offset: bigint): bigint {
    this.position = offset < this.range.to ? offset : this.range.to;
    return this.position;
  }

  /** Fetches again from the position; what was fetched ahead is dropped. Returns its bytes. */
  rewind(): number {
    const dropped = this.fetched?.bytes.length ?? 0;
    this.fetched = undefined;
    this.fetchPosition = this.position;
    this.epoch += 1;
    return dropped;
  }

  /** Whether a damaged batch should be fetched once more. */
  retriesDamaged(baseOffset: bigint): boolean {
    const isSame = this.damaged.baseOffset === baseOffset;
    this.damaged = { baseOffset, fetches: isSame ? this.damaged.fetches + 1 : 1 };
    return this.damaged.fetches < DAMAGED_FETCHES;
  }

  fail(nowMs: number, isTopicUnknown = false): void {
    this.failures += 1;
    this.failingSinceMs ??= nowMs;
    this.unknownSinceMs = isTopicUnknown ? (this.unknownSinceMs ?? nowMs) : undefined;
  }

  succeed(): void {
    this.failures = 0;
    this.failingSinceMs = undefined;
    this.unknownSinceMs = undefined;
    this.truncatedSinceMs = undefined;
  }
}
