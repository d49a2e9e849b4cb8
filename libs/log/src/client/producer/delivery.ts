import type { DeliveryResult, LogHeader } from '../record/record.js';
import { LogError } from '../core/errors.js';
import { contentBytes, type RecordContent } from './record-content.js';

/** A record that has no delivery result yet. */
export class PendingRecord {
  readonly topic: string;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly LogHeader[];
  readonly timestampMs: number;
  /** -1 until it is chosen. */
  partition: number;
  /** Bytes of key, value and headers. */
  readonly sizeBytes: number;

  constructor(
    readonly delivery: Delivery,
    /** Index of the record in its delivery. */
    private readonly index: number,
    { topic, key, value, headers, timestampMs, partition }: RecordContent,
  ) {
    this.topic = topic;
    this.key = key;
    this.value = value;
    this.headers = headers;
    this.timestampMs = timestampMs;
    this.partition = partition;
    this.sizeBytes = contentBytes({ key, value, headers });
  }

  get settled(): boolean {
    return this.delivery.isSettled(this.index);
  }

  settle(result: DeliveryResult): void {
    this.delivery.settle(this.index, result);
  }
}

/** One call of `send`: its records share a deadline, and it resolves once all of them have a result. */
export class Delivery {
  readonly results: Promise<DeliveryResult[]>;
  private readonly settled: (DeliveryResult | undefined)[];
  private pending: number;
  private resolve!: (results: DeliveryResult[]) => void;

  constructor(
    count: number,
    /** As `performance.now()`. */
    readonly deadlineMs: number,
  ) {
    this.settled = Array.from({ length: count });
    this.pending = count;
    this.results = new Promise((resolve) => {
      this.resolve = resolve;
    });
    if (count === 0) this.resolve([]);
  }

  get isDone(): boolean {
    return this.pending === 0;
  }

  isSettled(index: number): boolean {
    return this.settled[index] !== undefined;
  }

  /** Ignores a second result of the same record: the first one may have been reported. */
  settle(index: number, result: DeliveryResult): void {
    if (this.settled[index] !== undefined) return;
    this.settled[index] = result;
    this.pending -= 1;
    if (this.pending === 0) this.resolve(this.settled.filter((result) => result !== undefined));
  }

  /** Fails the records that have no result at the deadline. They may or may not be in the log. */
  expire(deliveryTimeoutMs: number): void {
    const message = `not acknowledged within ${deliveryTimeoutMs} ms`;
    const result: DeliveryResult = { kind: 'failed', error: new LogError('TIMED_OUT', message, true) };
    for (let index = 0; index < this.settled.length; index += 1) this.settle(index, result);
  }
}

/** Deliveries that are not done. */
export class OpenDeliveries {
  private deliveries: Delivery[] = [];

  get isEmpty(): boolean {
    return this.deliveries.every(({ isDone }) => isDone);
  }

  add(delivery: Delivery): void {
    this.deliveries.push(delivery);
  }

  /** Removes and returns the deliveries whose deadline has passed, and removes those that are done. */
  takeExpired(nowMs: number): Delivery[] {
    const open = this.deliveries.filter(({ isDone }) => !isDone);
    this.deliveries = open.filter(({ deadlineMs }) => deadlineMs > nowMs);
    return this.deliveries.length === open.length ? [] : open.filter(({ deadlineMs }) => deadlineMs <= nowMs);
  }
}
