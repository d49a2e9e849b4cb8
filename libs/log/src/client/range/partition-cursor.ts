import assert from 'node:assert';
import type { FetchedPartition } from '../kafkajs/fetch.js';
import { cutBatchBytes, endOfRecordSet } from '../record/record-set.js';
import type { LedRange } from './resolve-ranges.js';

/** How often a damaged batch is fetched before it counts as undecodable: it may have been damaged in transit. */
const DAMAGED_FETCHES = 3;

/** The state of one partition of a read: what was returned, what was fetched, and its failures. */
export class PartitionCursor {
  leader: number;
  /** Offset after the last returned batch. */
  position: bigint;
  /** Offset of the next fetch: fetching is one set ahead of returning. */
  fetchPosition: bigint;
  /** Fetched bytes that are not decoded yet. */
  fetched: FetchedPartition | undefined;
  /** Whether it is being fetched, or waits after a failure. */
  isBusy = false;
  /** Number of the last request that returned records, so that partitions are served in rotation. */
  servedAt = 0;
  /** Size of the next batch, if it was truncated. */
  neededBytes = 0;
  /** Consecutive failed fetches and fetches without records. */
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

  /** Marks the start of a fetch. The returned function returns whether the response is still needed. */
  beginFetch(): () => boolean {
    const { epoch } = this;
    this.isBusy = true;
    return () => epoch === this.epoch;
  }

  /** Stores the result of a fetch. Returns whether there is anything to decode. */
  receive(fetched: FetchedPartition, request: number): boolean {
    this.neededBytes = cutBatchBytes(fetched.bytes) ?? 0;
    const end = fetched.isOutOfRange ? this.fetchPosition : endOfRecordSet(fetched.bytes);
    if (end === undefined) return false;
    this.fetched = fetched;
    this.servedAt = request;
    // Without a known end, the set is decoded before the next fetch.
    this.fetchPosition = end > this.fetchPosition ? end : this.range.to;
    return true;
  }

  /** Removes and returns the result of the fetch, with the offset after it. */
  take(): { readonly fetched: FetchedPartition; readonly end: bigint } {
    const { fetched, fetchPosition } = this;
    assert.ok(fetched, 'nothing was fetched');
    this.fetched = undefined;
    return { fetched, end: fetchPosition };
  }

  /** Moves the position, at most to the end of the range. Returns the new position. */
  moveTo(offset: bigint): bigint {
    this.position = offset < this.range.to ? offset : this.range.to;
    return this.position;
  }

  /** Restarts fetching at the position and drops what was fetched ahead. Returns the number of dropped bytes. */
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
