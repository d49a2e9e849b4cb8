import type { Delivery } from './delivery.js';

/** Several members of one consumer group in this process, as one delivery. */
export class ParallelDelivery implements Delivery {
  readonly ended: Promise<void>;
  private readonly members: readonly Delivery[];

  constructor(members: number, open: () => Delivery) {
    this.members = Array.from({ length: members }, open);
    this.ended = Promise.race(this.members.map(({ ended }) => ended));
    // A caller that does not use `ended` must not end because of an unhandled rejection.
    this.ended.catch(() => undefined);
  }

  get assignedPartitions(): number {
    return this.members.reduce((sum, { assignedPartitions }) => sum + assignedPartitions, 0);
  }

  async start(): Promise<void> {
    await Promise.all(this.members.map((member) => member.start()));
  }

  pause(): void {
    for (const member of this.members) member.pause();
  }

  resume(): void {
    for (const member of this.members) member.resume();
  }

  lagRecords(): bigint {
    return this.members.reduce((sum, member) => sum + member.lagRecords(), 0n);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.members.map((member) => member[Symbol.asyncDispose]()));
  }
}
