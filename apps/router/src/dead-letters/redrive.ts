import { deadLetterTopic } from '@hailstream/events';
import {
  createRangeReader,
  isRetryable,
  LogError,
  matchesFilter,
  openTransactionalProducer,
  readDeadLetter,
  redriveRecords,
  type Admin,
  type DeadLetterEntry,
  type DeadLetterFilter,
  type LogConnection,
  type LogRecord,
  type OutgoingRecord,
  type RangeReader,
  type TransactionalProducer,
} from '@hailstream/log';
import { backoffMs, withJitter } from '@hailstream/service/backoff';
import type { Logger } from '@hailstream/service/logging';
import { sleep } from '@hailstream/service/timers';
import { openDeadLetterIndex, requireWholeIndex } from './open-index.js';
import { redriveRefusal } from './redrive-refusal.js';

/** Fences every redrive that was started before. */
const TRANSACTIONAL_ID = 'dead-letter-redrive';
/** Readers of the topics wait this long at most for the transaction of a redrive that was killed. */
const TRANSACTION_TIMEOUT_MS = 15_000;
/** A transaction that takes longer fails before its timeout. */
const TIMEOUT_MS = 10_000;
/** Maximum number of dead letters in one transaction, and of bytes of their keys and values. */
const CHUNK_LETTERS = 200;
const CHUNK_BYTES = 1024 * 1024;
/** Consecutive failures after which a redrive ends. */
const MAX_FAILURES = 5;
/** Consecutive dead letters that the cluster refuses after which a redrive ends. */
const MAX_REFUSED_IN_A_ROW = 20;
const RETRY_BACKOFF = { firstMs: 500, maxMs: 5_000 };
/** Ids that are listed of those that are not redriven for the same reason. */
const MAX_LISTED_IDS = 10;

/** Which dead letters are redriven: those with these ids, or all open ones that match a filter. */
export type RedriveSelection =
  | { readonly kind: 'ids'; readonly ids: readonly string[] }
  | { readonly kind: 'filter'; readonly filter: Omit<DeadLetterFilter, 'includesRedriven'> };

export interface RedriveOptions {
  readonly connection: LogConnection;
  readonly admin: Admin;
  readonly logger: Logger;
  readonly selection: RedriveSelection;
  /** Writes nothing, and does not end other redrives. */
  readonly isDryRun: boolean;
  /** Ends the redrive after the transaction that is under way. */
  readonly signal: AbortSignal;
  readonly onProgress?: (progress: { readonly done: number; readonly total: number }) => void;
  /** Dead letters in one transaction. @default 200 */
  readonly chunkLetters?: number;
}

/** Dead letters that are not redriven for the same reason. */
interface RefusedDeadLetters {
  readonly reason: string;
  readonly count: number;
  /** The first ones. */
  readonly ids: readonly string[];
}

export interface RedriveResult {
  /** `taken-over`: another redrive was started meanwhile. */
  readonly outcome: 'complete' | 'cancelled' | 'taken-over' | 'failed';
  /** Why it has failed; not set otherwise. */
  readonly reason?: string;
  readonly dryRun: boolean;
  /** Dead letters that were redriven; of a dry run, that would be. */
  readonly redriven: number;
  /** Those that are selected and not redriven yet, because the redrive ended early. */
  readonly remaining: number;
  readonly refused: readonly RefusedDeadLetters[];
}

/** An id that no dead letter has. */
export class UnknownDeadLetterError extends Error {
  override readonly name = 'UnknownDeadLetterError';
}

/**
 * Redrives dead letters: appends each record to its topic and partition again, with headers that name the consumer group it
 * is for, and marks the dead letter, both in one transaction. What is marked is read after all other redrives are fenced, so
 * that a dead letter is redriven once, however many redrives are started, cancelled or killed.
 *
 * @throws UnknownDeadLetterError if there is no dead letter with one of the ids; nothing is redriven then
 */
export async function redriveDeadLetters(options: RedriveOptions): Promise<RedriveResult> {
  const { connection, logger } = options;
  await using reader = createRangeReader({ connection, logger });
  using run = new RedriveRun(options, reader);
  return await run.run();
}

interface Letter {
  readonly entry: DeadLetterEntry;
  readonly record: LogRecord;
}

/** A topic that receives records again. */
interface TargetTopic {
  /** 0 if it does not exist. */
  readonly partitions: number;
  /** -1: it keeps records for any time. */
  readonly retentionMs: number;
}

class RedriveRun implements Disposable {
  private readonly index;
  private readonly topics = new Map<string, TargetTopic>();
  private readonly refused = new Map<string, { count: number; ids: string[] }>();
  private producer: TransactionalProducer | undefined;
  private total = 0;
  private redriven = 0;
  private done = 0;
  private refusedInARow = 0;

  constructor(
    private readonly options: RedriveOptions,
    private readonly reader: RangeReader,
  ) {
    this.index = openDeadLetterIndex({ ...options, reader });
  }

  async run(): Promise<RedriveResult> {
    const { isDryRun, signal } = this.options;
    try {
      await this.update();
      const found = await this.select();
      if (isDryRun) this.redriven = found.length;
      if (isDryRun || found.length === 0) return this.result('complete');
      await this.open();
      const selected = await this.select();
      this.total = selected.length;
      await this.redriveAll(selected);
    } catch (error) {
      if (signal.aborted) return this.result('cancelled');
      if (!(error instanceof LogError)) throw error;
      if (error.code === 'FENCED') return this.result('taken-over', 'another redrive was started');
      return this.result('failed', error.message);
    }
    return this.result(signal.aborted && this.done < this.total ? 'cancelled' : 'complete');
  }

  [Symbol.dispose](): void {
    this.producer?.[Symbol.dispose]();
  }

  private async update(): Promise<void> {
    await this.index.update(this.options.signal);
    requireWholeIndex(this.index);
  }

  /** The dead letters to redrive, oldest first; those that cannot be redriven are noted. */
  private async select(): Promise<DeadLetterEntry[]> {
    this.refused.clear();
    const entries = this.candidates();
    await this.describeTopics(entries);
    return entries.filter((entry) => {
      const reason = redriveRefusal(entry, (topic) => this.topics.get(topic)?.partitions ?? 0);
      if (reason !== undefined) this.refuse(entry, reason);
      return reason === undefined;
    });
  }

  private candidates(): DeadLetterEntry[] {
    const { selection } = this.options;
    if (selection.kind === 'filter') {
      return [...this.index.values()].filter((entry) => matchesFilter(entry, selection.filter));
    }
    return [...new Set(selection.ids)].map((id) => {
      const entry = this.index.get(id);
      if (entry) return entry;
      throw new UnknownDeadLetterError(`no dead letter has the id "${id}"`);
    });
  }

  private async describeTopics(entries: readonly DeadLetterEntry[]): Promise<void> {
    for (const topic of new Set(entries.map((entry) => entry.topic))) {
      if (!this.topics.has(topic)) this.topics.set(topic, await this.describeTopic(topic));
    }
  }

  private async describeTopic(topic: string): Promise<TargetTopic> {
    const { admin } = this.options;
    try {
      const { size: partitions } = await admin.offsets(topic);
      const configs = await admin.configs(topic);
      const isDeleted = configs.get('cleanup.policy')?.includes('delete') ?? true;
      return { partitions, retentionMs: isDeleted ? Number(configs.get('retention.ms') ?? -1) : -1 };
    } catch (error) {
      if (!(error instanceof LogError) || error.code !== 'UNKNOWN_TOPIC') throw error;
      return { partitions: 0, retentionMs: -1 };
    }
  }

  /** Opens a producer, and then reads what is marked: no other redrive can mark anything any more. */
  private async open(): Promise<void> {
    const { connection, logger, signal } = this.options;
    this.producer?.[Symbol.dispose]();
    this.producer = undefined;
    for (let failures = 0; ; failures += 1) {
      signal.throwIfAborted();
      try {
        this.producer = await openTransactionalProducer({
          connection,
          logger,
          transactionalId: TRANSACTIONAL_ID,
          transactionTimeoutMs: TRANSACTION_TIMEOUT_MS,
          timeoutMs: TIMEOUT_MS,
        });
        await this.update();
        return;
      } catch (error) {
        if (!isRetryable(error) || failures + 1 >= MAX_FAILURES) throw error;
        await sleep(withJitter(backoffMs(failures, RETRY_BACKOFF)), signal);
      }
    }
  }

  private async redriveAll(selected: readonly DeadLetterEntry[]): Promise<void> {
    for (const partition of new Set(selected.map(({ place }) => place.partition))) {
      const entries = selected.filter(({ place }) => place.partition === partition);
      await this.redrivePartition(partition, entries);
    }
  }

  private async redrivePartition(partition: number, entries: readonly DeadLetterEntry[]): Promise<void> {
    const { signal, chunkLetters = CHUNK_LETTERS } = this.options;
    const wanted = new Map(entries.map((entry) => [entry.place.offset, entry]));
    const offsets = [...wanted.keys()].toSorted((one, other) => (one < other ? -1 : 1));
    const ranges = [
      { topic: deadLetterTopic.name, partition, from: offsets[0]!, to: offsets.at(-1)! + 1n },
    ] as const;
    let chunk: Letter[] = [];
    let chunkBytes = 0;
    const read = await this.reader.readRange({
      ranges,
      signal,
      onGap: () => undefined,
      onUndecodable: () => undefined,
    });
    for await (const { records } of read) {
      for (const record of records) {
        const entry = wanted.get(record.offset);
        if (entry === undefined || readDeadLetter(record)?.id !== entry.id) continue;
        wanted.delete(record.offset);
        chunk.push({ entry, record });
        chunkBytes += (record.key?.length ?? 0) + (record.value?.length ?? 0);
        if (chunk.length < chunkLetters && chunkBytes < CHUNK_BYTES) continue;
        await this.redriveChunk(chunk);
        chunk = [];
        chunkBytes = 0;
      }
    }
    await this.redriveChunk(chunk);
    for (const entry of wanted.values()) {
      this.refuse(entry, 'its record was deleted from the log, or cannot be decoded');
      this.done += 1;
    }
  }

  /** Redrives dead letters in one transaction; in several if the cluster refuses one of them, until that one is found. */
  private async redriveChunk(chunk: readonly Letter[]): Promise<void> {
    if (chunk.length === 0) return;
    const refusal = await this.append(chunk);
    if (refusal === undefined) {
      this.refusedInARow = 0;
      this.advance(chunk.length, chunk.length);
      return;
    }
    if (chunk.length > 1) {
      const half = Math.ceil(chunk.length / 2);
      await this.redriveChunk(chunk.slice(0, half));
      await this.redriveChunk(chunk.slice(half));
      return;
    }
    this.refusedInARow += 1;
    if (this.refusedInARow >= MAX_REFUSED_IN_A_ROW) throw refusal;
    this.refuse(chunk[0]!.entry, refusal.message);
    this.advance(1, 0);
  }

  /** Returns why the cluster refuses the records; `undefined` once they are appended. @throws LogError if neither is known */
  private async append(chunk: readonly Letter[]): Promise<LogError | undefined> {
    const { signal } = this.options;
    for (let failures = 0; ; failures += 1) {
      signal.throwIfAborted();
      // After a failure, the transaction may have been committed nevertheless.
      const open = chunk.filter(({ entry }) => this.index.get(entry.id)?.redrivenMs === undefined);
      if (open.length === 0) return undefined;
      try {
        await this.producer!.append(open.flatMap((letter) => this.recordsOf(letter)));
        return undefined;
      } catch (error) {
        if (!(error instanceof LogError) || error.code === 'FENCED') throw error;
        if (error.retryable && failures + 1 >= MAX_FAILURES) throw error;
        if (error.retryable) await sleep(withJitter(backoffMs(failures, RETRY_BACKOFF)), signal);
        await this.open();
        if (!error.retryable) return error;
      }
    }
  }

  private recordsOf({ entry, record }: Letter): readonly OutgoingRecord[] {
    const place = { topic: deadLetterTopic.name, partition: entry.place.partition };
    const retentionMs = this.topics.get(entry.topic)?.retentionMs ?? -1;
    return redriveRecords(record, place, { nowMs: Date.now(), retentionMs });
  }

  private advance(done: number, redriven: number): void {
    this.done += done;
    this.redriven += redriven;
    this.options.onProgress?.({ done: this.done, total: this.total });
  }

  private refuse({ id }: DeadLetterEntry, reason: string): void {
    const known = this.refused.get(reason) ?? { count: 0, ids: [] };
    known.count += 1;
    if (known.ids.length < MAX_LISTED_IDS) known.ids.push(id);
    this.refused.set(reason, known);
  }

  private result(outcome: RedriveResult['outcome'], reason?: string): RedriveResult {
    return {
      outcome,
      ...(reason !== undefined && { reason }),
      dryRun: this.options.isDryRun,
      redriven: this.redriven,
      remaining: this.total - this.done,
      refused: [...this.refused].map(([why, { count, ids }]) => ({ reason: why, count, ids })),
    };
  }
}
