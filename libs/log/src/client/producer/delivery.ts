import type { OutgoingMessage } from '../kafkajs/produce.js';
import type { RecordFate } from '../record/record.js';
import { LogError } from '../shared/errors.js';

/** A record on its way, in the shape that kafkajs sends, with the way back to whoever waits for its fate. */
export class PendingRecord {
  constructor(
    readonly delivery: Delivery,
    /** Which record of the delivery it is. */
    private readonly index: number,
    readonly topic: string,
    readonly message: OutgoingMessage,
    readonly sizeBytes: number,
  ) {}

  get settled(): boolean {
    return this.delivery.isSettled(this.index);
  }

  settle(fate: RecordFate): void {
    this.delivery.settle(this.index, fate);
  }
}

/** One call of `send`: its records share a deadline, and resolve together once each has its fate. */
export class Delivery {
  readonly fates: Promise<RecordFate[]>;
  private readonly known: (RecordFate | undefined)[];
  private unknown: number;
  private resolve!: (fates: RecordFate[]) => void;

  constructor(
    count: number,
    /** On the clock of `performance.now()`. */
    readonly deadlineMs: number,
  ) {
    this.known = Array.from({ length: count });
    this.unknown = count;
    this.fates = new Promise((resolve) => {
      this.resolve = resolve;
    });
    if (count === 0) this.resolve([]);
  }

  get isDone(): boolean {
    return this.unknown === 0;
  }

  isSettled(index: number): boolean {
    return this.known[index] !== undefined;
  }

  /** The first fate stays: what comes later has already been told otherwise. */
  settle(index: number, fate: RecordFate): void {
    if (this.known[index] !== undefined) return;
    this.known[index] = fate;
    this.unknown -= 1;
    if (this.unknown === 0) this.resolve(this.known.filter((known) => known !== undefined));
  }

  /** Time is up: what has no fate yet has failed, and may or may not be in the log. */
  expire(deliveryTimeoutMs: number): void {
    const message = `no answer from the log within ${deliveryTimeoutMs} ms`;
    const fate: RecordFate = { kind: 'failed', error: new LogError('TIMED_OUT', message, true) };
    for (let index = 0; index < this.known.length; index += 1) this.settle(index, fate);
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

  /** Takes the deliveries whose time is up, and forgets those that are done. */
  takeExpired(nowMs: number): Delivery[] {
    const open = this.deliveries.filter(({ isDone }) => !isDone);
    this.deliveries = open.filter(({ deadlineMs }) => deadlineMs > nowMs);
    return this.deliveries.length === open.length ? [] : open.filter(({ deadlineMs }) => deadlineMs <= nowMs);
  }
}
