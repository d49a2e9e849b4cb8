/** The outcome of a batch that was sent to a partition. Moments are those of the disk. */
export interface Appended {
  readonly producer: number;
  readonly firstSequence: number;
  readonly records: readonly { readonly key: string; readonly value: string | null }[];
  readonly startedAt: number;
  answer?: { readonly at: number; readonly baseOffset: bigint };
  /** The moment from which the batch is durable. */
  safeAt?: number;
}

/** The history of a partition. */
export class PartitionHistory {
  readonly batches: Appended[] = [];
  /** Log starts set by retention or DeleteRecords, with the first moment at which each may be in effect. */
  readonly starts: { readonly from: number; readonly offset: bigint }[] = [];
  /** Log starts set by DeleteRecords that are durable. */
  readonly deletedBefore: { readonly at: number; readonly offset: bigint }[] = [];

  nextSequence(producer: number): number {
    const last = this.batches.findLast((batch) => batch.producer === producer && batch.answer !== undefined);
    return last === undefined ? 0 : last.firstSequence + last.records.length;
  }

  producers(): number[] {
    return [...new Set(this.batches.map(({ producer }) => producer))];
  }

  /** The largest log start that the partition may have at a moment. */
  latestStart(moment: number): bigint {
    return this.starts.reduce(
      (latest, { from, offset }) => (from <= moment && offset > latest ? offset : latest),
      0n,
    );
  }
}

/** The history of a topic from its creation to its deletion. */
export class TopicHistory {
  readonly partitions: PartitionHistory[] = [];
  created: number | undefined;
  deleting: number | undefined;
  deleted: number | undefined;
  readonly sizes: { readonly from: number; readonly at: number | undefined; readonly count: number }[] = [];

  constructor(
    readonly name: string,
    /** Distinguishes topics with the same name. */
    readonly life: number,
    readonly settings: Readonly<Record<string, string>>,
    readonly creating: number,
  ) {}

  /** Whether appends are acknowledged after a sync. */
  get isSynced(): boolean {
    return this.settings['flush.messages'] === '1';
  }

  get isCompacted(): boolean {
    return this.settings['cleanup.policy'] === 'compact';
  }

  mayExist(moment: number): boolean {
    return this.creating <= moment && (this.deleted === undefined || this.deleted > moment);
  }

  mustExist(moment: number): boolean {
    const created = this.created !== undefined && this.created <= moment;
    return created && (this.deleting === undefined || this.deleting >= moment);
  }
}

/** An offset committed by a group. */
export interface Commit {
  readonly group: string;
  readonly topic: string;
  readonly partition: number;
  readonly offset: bigint;
  readonly startedAt: number;
  answeredAt?: number;
  safeAt?: number;
}

/** The requests to a broker and its responses. */
export class History {
  readonly topics: TopicHistory[] = [];
  readonly commits: Commit[] = [];
  readonly producerIds: { readonly id: bigint; readonly at: number }[] = [];

  /** The history of a topic that was not deleted. */
  living(name: string): TopicHistory | undefined {
    return this.topics.findLast((topic) => topic.name === name && topic.deleted === undefined);
  }
}
