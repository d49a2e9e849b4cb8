import {
  headersOf,
  LogError,
  openTransactionalProducer,
  withoutRedrive,
  type Admin,
  type LogRecord,
  type RecordCopies,
  type TopicPartition,
  type TransactionalProducer,
} from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import { SinkError } from '../sink.errors.js';
import { provenanceOf, wasIn } from './provenance.js';
import type { TargetCluster } from './target-cluster.js';

interface PartitionMirrorOptions {
  readonly partition: TopicPartition;
  readonly groupId: string;
  readonly admin: Admin;
  readonly target: TargetCluster;
  readonly logger: Logger;
}

/** An open mirror: a producer that fences those of previous owners, and the position after its last transaction. */
interface Session {
  readonly producer: TransactionalProducer;
  readonly copies: Pick<RecordCopies, 'partitionOf' | 'headersOf' | 'addedHeaders'>;
  readonly targetClusterId: string;
  /** Group that stores the position: one for each source partition, because a target may have fewer partitions. */
  readonly positionGroup: string;
  position: bigint;
}

/** Records of a batch by result. */
export interface MirroredCounts {
  /** Appended now. */
  readonly appended: number;
  /** Not appended because they were copied from the target cluster. */
  readonly returned: number;
}

/**
 * Copies one partition. Each transaction has records and the source offset after them, so that the target has both or
 * neither. The position is read after the producers of previous owners are fenced: nobody can move it any more. After any
 * failure it is read again, because the outcome of the last transaction is unknown.
 */
export class PartitionMirror implements Disposable {
  private session: Session | undefined;
  private isClosed = false;
  /** The last transaction: those of a producer must not overlap. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: PartitionMirrorOptions) {}

  /**
   * Appends those of the records that the target does not have yet, and moves the position to `to`. The records are all
   * that are to be copied of the offsets from `from` up to, not including, `to`.
   *
   * @throws LogError if the transaction failed; SinkError if the target does not fit
   */
  append(
    records: readonly LogRecord[],
    range: { readonly from: bigint; readonly to: bigint },
  ): Promise<MirroredCounts> {
    return this.afterLast(() => this.appendFrom(records, range));
  }

  /**
   * Commits the position again, so that it does not expire while the partition has no records.
   *
   * @throws LogError if the transaction failed; SinkError if the target does not fit
   */
  refresh(): Promise<void> {
    return this.afterLast(async () => {
      const session = await this.openSession();
      await this.commit(session, [], session.position);
    });
  }

  [Symbol.dispose](): void {
    this.isClosed = true;
    this.close();
  }

  private afterLast<T>(transaction: () => Promise<T>): Promise<T> {
    const result = this.last.then(transaction);
    this.last = result.catch(() => undefined);
    return result;
  }

  private async appendFrom(
    records: readonly LogRecord[],
    { from, to }: { readonly from: bigint; readonly to: bigint },
  ): Promise<MirroredCounts> {
    // An open mirror never reads behind its position, unless the topic was created again.
    if (this.session && from < this.session.position) this.close();
    const session = await this.openSession();
    const { position, targetClusterId } = session;
    if (to <= position) return { appended: 0, returned: 0 };
    const fresh = from >= position ? records : records.filter(({ offset }) => offset >= position);
    const hasReturned = fresh.some((record) => wasIn(targetClusterId, record));
    const outgoing = hasReturned ? fresh.filter((record) => !wasIn(targetClusterId, record)) : fresh;
    await this.commit(session, outgoing, to);
    return { appended: outgoing.length, returned: fresh.length - outgoing.length };
  }

  /** Appends records and moves the position in one transaction. */
  private async commit(session: Session, records: readonly LogRecord[], position: bigint): Promise<void> {
    const { producer, positionGroup } = session;
    const topic = this.options.target.topicFor(this.options.partition.topic);
    try {
      const groupOffset = { groupId: positionGroup, topic, partition: 0, offset: position };
      await producer.appendCopies({ ...session.copies, topic, records }, groupOffset);
    } catch (error) {
      this.close();
      throw error;
    }
    session.position = position;
  }

  private async openSession(): Promise<Session> {
    const session = (this.session ??= await this.open());
    if (!this.isClosed) return session;
    this.close();
    throw new LogError('CLOSED', 'the partition is no longer assigned', false);
  }

  private close(): void {
    this.session?.producer[Symbol.dispose]();
    this.session = undefined;
  }

  private async open(): Promise<Session> {
    const { partition: place, groupId, target, logger } = this.options;
    const { topic, partition } = place;
    const { source, target: targetIdentity } = await target.prepare(topic);
    const counts = await target.partitionCounts(topic);
    const transactionalId = `${groupId}-${topic}-${partition}`;
    // A topic that was created again has another id, and starts without a position.
    const positionGroup = `${transactionalId}-${source.topicId}`;
    const producer = await openTransactionalProducer({
      connection: target.connection,
      logger,
      transactionalId,
    });
    try {
      const stored = await target.committed(positionGroup, target.topicFor(topic), 0);
      const position = stored ?? (await this.firstPosition());
      if (stored === undefined) {
        const first = {
          groupId: positionGroup,
          topic: target.topicFor(topic),
          partition: 0,
          offset: position,
        };
        await producer.append([], first);
      }
      const provenance = provenanceOf({ ...place, clusterId: source.clusterId });
      const hasSamePartitions = counts.source === counts.target;
      return {
        producer,
        copies: {
          partitionOf: (record) => {
            if (hasSamePartitions) return partition;
            return record.key === null ? partition % counts.target : undefined;
          },
          // That a record was redriven for the group of this mirror means nothing to the groups of the target.
          headersOf: (record) => withoutRedrive(headersOf(record)),
          addedHeaders: ({ offset }) => provenance.set(offset),
        },
        targetClusterId: targetIdentity.clusterId,
        positionGroup,
        position,
      };
    } catch (error) {
      producer[Symbol.dispose]();
      throw error;
    }
  }

  /** Start of a partition without a position in the target. @throws SinkError if it must have one */
  private async firstPosition(): Promise<bigint> {
    const { admin, groupId, partition: place } = this.options;
    const { topic, partition } = place;
    const { earliest = 0n } = (await admin.offsets(topic)).get(partition) ?? {};
    const read = (await admin.committed(groupId, topic)).get(partition);
    if (read === undefined || read <= earliest) return earliest;
    const message =
      `the target has no position of ${topic}/${partition}, which group "${groupId}" has read up to ${read}: the target or ` +
      'the topic is another one, or the position has expired; use another job name to copy all records again';
    throw new SinkError('ANOTHER_LOG', message, { retryable: false });
  }
}
