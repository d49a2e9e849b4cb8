import type { KafkaAdmin } from '../admin/kafka-admin.js';
import type { TopicPartition } from '../../protocol/topic-partition.js';
import type { ConsumerOptions, PartitionLag } from './consumer.js';
import type { ConsumerSession } from './consumer-session.js';
import { reportGap } from './gaps.js';
import { PositionTracker } from './position-tracker.js';
import { RecreatedTopics } from './recreated-topics.js';
import { startPositions, validPosition, type StartPosition, type ValidPosition } from './start-positions.js';

/** Where a consumer reads: start positions, repairs after the log has changed, and the lag. */
export class ConsumerPositions {
  private readonly tracker = new PositionTracker();
  private readonly recreatedTopics: RecreatedTopics;
  private isRefreshing = false;

  constructor(
    private readonly admin: KafkaAdmin,
    private readonly options: Pick<ConsumerOptions, 'logger' | 'topics' | 'offsets' | 'onGap' | 'onPosition'>,
  ) {
    this.recreatedTopics = new RecreatedTopics(admin, options.logger);
  }

  lag(partitions: readonly TopicPartition[]): PartitionLag[] {
    return this.tracker.lag(partitions);
  }

  advance(partition: TopicPartition, nextOffset: bigint): void {
    this.tracker.advance(partition, nextOffset);
  }

  observeEnd(partition: TopicPartition, end: bigint): void {
    this.tracker.observeEnd(partition, end);
  }

  /** Determines where to start reading; sets nothing yet. */
  async startPositions(assigned: readonly TopicPartition[], groupId: string): Promise<StartPosition[]> {
    const { admin, options, tracker } = this;
    return startPositions(assigned, {
      admin,
      policy: options.offsets,
      groupId,
      positionOf: (partition) => tracker.positionOf(partition),
    });
  }

  async startAt(session: ConsumerSession, start: StartPosition): Promise<void> {
    const { gap, topic, partition, offset } = start;
    if (gap) {
      await reportGap(gap, this.options);
      if (gap.found > gap.expected) await this.options.onPosition?.({ topic, partition, nextOffset: offset });
    }
    this.tracker.reset(start, start);
    if (start.isCommitted) return;
    session.seek(start);
    // Otherwise the next assignment would start at the newest record again, and skip those appended in between.
    if (this.options.offsets.kind === 'committed') await session.commit(start);
  }

  /** Where to continue after a fetch found that the log does not have the position. */
  async reposition(position: TopicPartition & { readonly offset: bigint }): Promise<ValidPosition> {
    const { topic, partition, offset } = position;
    const { admin, options } = this;
    const bounds = (await admin.offsets(topic)).get(partition) ?? { earliest: 0n, latest: 0n };
    const begin =
      options.offsets.kind === 'everything-since'
        ? (await admin.offsetsAt(topic, options.offsets.timestampMs)).get(partition)
        : undefined;
    const valid = validPosition(offset, {
      topic,
      partition,
      ...bounds,
      ...(begin === undefined ? {} : { begin }),
    });
    if (valid.gap) this.tracker.reset(position, { offset: valid.offset, end: bounds.latest });
    return valid;
  }

  /** Repairs the committed positions in recreated topics. Handlers that store positions compare topic identities themselves. */
  async checkRecreatedTopics(session: ConsumerSession, assigned: readonly TopicPartition[]): Promise<void> {
    if (this.options.offsets.kind !== 'committed') return;
    await this.recreatedTopics.check(this.options.topics, (topic) =>
      this.restartTopic(topic, session, assigned),
    );
  }

  /** Updates the ends of partitions, also of those that are not fetched because they are paused or being handled. */
  async refreshEnds(assigned: readonly TopicPartition[]): Promise<void> {
    // During an outage one refresh may take longer than the interval.
    if (this.isRefreshing) return;
    this.isRefreshing = true;
    for (const topic of new Set(assigned.map(({ topic }) => topic))) {
      const observeEnd = this.tracker.endObserver();
      try {
        const ends = await this.admin.offsets(topic, { isolation: 'read_committed' });
        for (const [partition, { latest }] of ends) observeEnd({ topic, partition }, latest);
      } catch (error) {
        this.options.logger.debug({ err: error, topic }, 'cannot refresh the lag');
      }
    }
    this.isRefreshing = false;
  }

  /** Restarts a recreated topic at its first record, whether or not it has records at the old positions. */
  private async restartTopic(
    topic: string,
    session: ConsumerSession,
    assigned: readonly TopicPartition[],
  ): Promise<void> {
    const { admin, tracker, options } = this;
    options.logger.error(
      { topic },
      'topic was deleted and created again, reading restarts at its first record',
    );
    const offsets = await admin.offsets(topic);
    for (const partition of assigned.filter((each) => each.topic === topic)) {
      const bounds = offsets.get(partition.partition);
      const expected = tracker.positionOf(partition);
      if (!bounds || expected === undefined) continue;
      const found = bounds.earliest;
      await reportGap({ ...partition, expected, found, cause: 'log-end' }, options);
      tracker.reset(partition, { offset: found, end: bounds.latest });
      session.seek({ ...partition, offset: found });
      await session.commit({ ...partition, offset: found });
    }
  }
}
