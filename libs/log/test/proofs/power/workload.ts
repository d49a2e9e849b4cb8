import fc from 'fast-check';
import { readBatchHeader } from '../../../src/protocol/record-batch.js';
import { makeRecordBatch } from '../../../src/protocol/records.js';
import type { Disk } from './disk.js';
import { History, PartitionHistory, TopicHistory, type Appended, type Commit } from './history.js';
import { System } from './system.js';

const FIRST_MS = 1_700_000_000_000;
const MS_PER_COMMAND = 2000;
const FIRST_PRODUCER_ID = 1000;
const GROUP = 'readers';
const SMALL_SEGMENTS = { 'segment.bytes': '1024' };
const SYNCED = { ...SMALL_SEGMENTS, 'flush.messages': '1' };

/** The initial topics with their number of partitions. */
const TOPICS: Readonly<Record<string, { partitions: number; settings: Readonly<Record<string, string>> }>> = {
  safe: { partitions: 2, settings: SYNCED },
  lazy: { partitions: 2, settings: SMALL_SEGMENTS },
  short: { partitions: 1, settings: { ...SYNCED, 'retention.bytes': '2048' } },
  latest: {
    partitions: 1,
    settings: {
      ...SYNCED,
      'cleanup.policy': 'compact',
      'min.cleanable.dirty.ratio': '0',
      'delete.retention.ms': String(2 * MS_PER_COMMAND),
    },
  },
};
const PASSING = ['one', 'two'];

interface Append {
  readonly topic: string;
  readonly partition: number;
  readonly producer: number;
  readonly keys: readonly number[];
  readonly tombstone: boolean;
  readonly valueBytes: number;
}

/** A command to the broker. */
export type Command =
  | { readonly kind: 'append'; readonly together: readonly Append[] }
  | { readonly kind: 'flush' | 'checkpoint' | 'retain' | 'compact' | 'take-id' }
  | { readonly kind: 'commit'; readonly partition: number }
  | { readonly kind: 'create' | 'delete' | 'grow'; readonly name: string }
  | { readonly kind: 'delete-records'; readonly topic: string; readonly share: number }
  | { readonly kind: 'restart'; readonly how: 'stop' | 'kill' };

const append: fc.Arbitrary<Append> = fc.record({
  topic: fc.constantFrom(...Object.keys(TOPICS), ...PASSING),
  partition: fc.nat({ max: 1 }),
  producer: fc.nat({ max: 2 }),
  keys: fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 4 }),
  tombstone: fc.nat({ max: 3 }).map((n) => n === 0),
  valueBytes: fc.nat({ max: 300 }),
});

/** A random command, mostly appends. */
export const anyCommand: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      together: fc.array(append, { minLength: 1, maxLength: 6 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('flush' as const, 'checkpoint' as const, 'retain' as const, 'compact' as const),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'take-id' as const }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('commit' as const), partition: fc.nat({ max: 1 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('create' as const, 'delete' as const, 'grow' as const),
      name: fc.constantFrom(...PASSING),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('delete-records' as const),
      topic: fc.constantFrom('safe', 'short', 'lazy'),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('restart' as const),
      how: fc.constantFrom('stop' as const, 'kill' as const),
    }),
  },
);

/** Runs commands on a broker with a simulated disk and records the responses. A failed command is not repeated. */
export class Workload {
  readonly history = new History();
  private lives = 0;

  private constructor(
    private readonly disk: Disk,
    private readonly clock: { nowMs: number },
    public system: System,
  ) {}

  static async begin(disk: Disk): Promise<Workload> {
    const clock = { nowMs: FIRST_MS };
    const workload = new Workload(disk, clock, await System.open(disk, () => clock.nowMs));
    for (const [name, { partitions, settings }] of Object.entries(TOPICS)) {
      await workload.create(name, partitions, settings);
    }
    return workload;
  }

  readonly now = (): number => this.clock.nowMs;

  async run(command: Command): Promise<void> {
    this.clock.nowMs += MS_PER_COMMAND;
    const from = this.disk.moment;
    try {
      await this.perform(command);
    } finally {
      this.noteStarts(from);
    }
  }

  /** Appends a record to every partition. */
  async touchAll(): Promise<void> {
    const touch = { producer: 0, keys: [0], tombstone: false, valueBytes: 0 };
    const together = this.history.topics
      .filter((topic) => topic === this.history.living(topic.name))
      .flatMap(({ name, partitions }) =>
        partitions.map((_, partition) => ({ ...touch, topic: name, partition })),
      );
    await this.run({ kind: 'append', together });
  }

  private noteStarts(from: number): void {
    for (const topic of this.history.topics) {
      const logs = this.system.store.topic(topic.name)?.partitions;
      if (topic !== this.history.living(topic.name) || logs === undefined) continue;
      for (const [i, partition] of topic.partitions.entries()) {
        const offset = logs[i]?.logStartOffset ?? 0n;
        if (offset > partition.latestStart(from)) partition.starts.push({ from, offset });
      }
    }
  }

  private async perform(command: Command): Promise<void> {
    const { store } = this.system;
    switch (command.kind) {
      case 'append':
        await this.appendTogether(command.together);
        return;
      case 'flush':
        await this.flush();
        return;
      case 'checkpoint':
        await store.saveRecoveryPoints();
        return;
      case 'retain':
        await store.maintenance.applyRetention();
        return;
      case 'compact':
        await store.maintenance.compactAll();
        return;
      case 'take-id':
        this.history.producerIds.push({ id: await this.system.ids.next(), at: this.disk.moment });
        return;
      case 'commit':
        await this.commit(command.partition);
        return;
      case 'create':
        if (this.history.living(command.name) === undefined) await this.create(command.name, 1, SYNCED);
        return;
      case 'delete':
        await this.delete(command.name);
        return;
      case 'grow':
        await this.grow(command.name);
        return;
      case 'delete-records':
        await this.deleteRecords(command.topic, command.share);
        return;
      case 'restart':
        await this.restart(command.how);
        return;
    }
  }

  private async appendTogether(appends: readonly Append[]): Promise<void> {
    const sequences = new Map<string, number>();
    const done = await Promise.allSettled(
      appends.map(async (each) => {
        const topic = this.history.living(each.topic);
        const index = topic === undefined ? 0 : each.partition % topic.partitions.length;
        const partition = topic?.partitions[index];
        if (topic === undefined || partition === undefined) return;
        const id = `${topic.life} ${index} ${each.producer}`;
        const firstSequence = sequences.get(id) ?? partition.nextSequence(each.producer);
        sequences.set(id, firstSequence + each.keys.length);
        await this.appendOne(topic, index, partition, { ...each, firstSequence });
      }),
    );
    for (const each of done) if (each.status === 'rejected') throw each.reason;
  }

  private async appendOne(
    topic: TopicHistory,
    index: number,
    partition: PartitionHistory,
    { producer, firstSequence, keys, tombstone, valueBytes }: Append & { firstSequence: number },
  ): Promise<void> {
    const appended: Appended = {
      producer,
      firstSequence,
      records: keys.map((key, i) => ({
        key: `k${key}`,
        value:
          topic.isCompacted && tombstone ? null : valueOf(topic, producer, firstSequence + i, valueBytes),
      })),
      startedAt: this.disk.moment,
    };
    partition.batches.push(appended);
    const batch = batchOf(appended, this.clock.nowMs);
    const { baseOffset } = await this.system.store
      .partition(topic.name, index)
      .append(batch, readBatchHeader(batch));
    appended.answer = { at: this.disk.moment, baseOffset };
    if (topic.isSynced) appended.safeAt = this.disk.moment;
  }

  private async flush(): Promise<void> {
    await this.system.store.maintenance.flushDue();
    this.allIsSafe();
  }

  /** All acknowledged data was synced. */
  readonly allIsSafe = (): void => {
    for (const { partitions } of this.history.topics) {
      for (const { batches } of partitions) {
        for (const batch of batches) if (batch.answer !== undefined) batch.safeAt ??= this.disk.moment;
      }
    }
    for (const commit of this.history.commits) {
      if (commit.answeredAt !== undefined) commit.safeAt ??= this.disk.moment;
    }
  };

  private async commit(partition: number): Promise<void> {
    const commit: Commit = {
      group: GROUP,
      topic: 'lazy',
      partition,
      offset: BigInt(this.history.commits.length + 1),
      startedAt: this.disk.moment,
    };
    this.history.commits.push(commit);
    const outside = { memberId: '', groupInstanceId: null, generationId: -1 };
    const commitRequest = {
      topic: 'lazy',
      partition,
      offset: commit.offset,
      leaderEpoch: -1,
      metadata: null,
    };
    await this.system.coordinator.commit(GROUP, outside, [commitRequest]);
    commit.answeredAt = this.disk.moment;
  }

  private async create(
    name: string,
    count: number,
    settings: Readonly<Record<string, string>>,
  ): Promise<void> {
    const topic = new TopicHistory(name, this.lives++, settings, this.disk.moment);
    topic.sizes.push({ from: topic.creating, at: topic.creating, count });
    this.history.topics.push(topic);
    try {
      await this.system.store.create(name, count, settings);
    } catch (error) {
      // A refused batch must not be served.
      this.history.topics.splice(this.history.topics.indexOf(topic), 1);
      throw error;
    }
    topic.created = this.disk.moment;
    for (let i = 0; i < count; i++) topic.partitions.push(new PartitionHistory());
  }

  private async delete(name: string): Promise<void> {
    const topic = this.history.living(name);
    if (topic?.created === undefined) return;
    topic.deleting = this.disk.moment;
    try {
      await this.system.store.delete(name);
    } catch (error) {
      topic.deleting = undefined;
      throw error;
    }
    topic.deleted = this.disk.moment;
    await this.system.coordinator.topicDeleted(name);
    topic.deleted = this.disk.moment;
  }

  private async grow(name: string): Promise<void> {
    const topic = this.history.living(name);
    if (topic?.created === undefined) return;
    const count = topic.partitions.length + 1;
    const from = this.disk.moment;
    await this.system.store.grow(name, count);
    topic.sizes.push({ from, at: this.disk.moment, count });
    topic.partitions.push(new PartitionHistory());
  }

  private async deleteRecords(name: string, share: number): Promise<void> {
    const log = this.system.store.partition(name, 0);
    const partition = this.history.living(name)?.partitions[0] as PartitionHistory;
    const retained = Number(log.highWatermark - log.logStartOffset);
    const offset = log.logStartOffset + BigInt(Math.trunc(share * retained));
    partition.starts.push({ from: this.disk.moment, offset });
    await log.deleteBefore(offset);
    await this.system.store.saveStartOffsets();
    partition.deletedBefore.push({ at: this.disk.moment, offset });
  }

  private async restart(how: 'stop' | 'kill'): Promise<void> {
    await this.system.end(how);
    if (how === 'stop') this.allIsSafe();
    this.system = await System.open(this.disk, this.now);
  }
}

/** The record batch of an append or of its repetition. */
export function batchOf({ producer, firstSequence, records }: Appended, nowMs: number): Buffer {
  const entries = records.map(({ key, value }) => ({
    key: Buffer.from(key),
    value: value === null ? null : Buffer.from(value),
  }));
  return makeRecordBatch(entries, BigInt(nowMs), {
    producerId: BigInt(FIRST_PRODUCER_ID + producer),
    producerEpoch: 0,
    baseSequence: firstSequence,
  });
}

/** The value contains the partition, so that a record in the wrong partition is detected. */
function valueOf(topic: TopicHistory, producer: number, sequence: number, sizeBytes = 0): string {
  return `${topic.life}/${producer}/${sequence}/`.padEnd(sizeBytes, '.');
}
