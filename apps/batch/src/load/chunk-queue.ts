import { partitionName, type LogRecord, type UndecodableBatch } from '@hailstream/log';
import { backoffMs } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import { CopyWriter } from '../rows/copy-writer.js';
import type { Retention } from '../retention/retention.js';
import { encodeChunk, encodeUndecodable } from '../rows/encode-chunk.js';
import type { LoadLimits } from '../rows/read-event.js';
import type { Table } from '../rows/tables.js';
import type { Chunk, ChunkLoader } from './chunk-loader.postgres.js';
import type { Counts } from './counts.js';
import { LoadError } from './load.errors.js';

/** Backoff before a failed chunk is retried. The load limits the total time. */
const RETRY_BACKOFF = { firstMs: 100, maxMs: 5_000 };

/** A chunk whose records are not encoded yet. It has no records if the position only passes offsets without records. */
type UnencodedChunk = Omit<Chunk, 'encoded'> & {
  readonly records: readonly LogRecord[];
  /** A batch that cannot be decoded, instead of records. */
  readonly undecodable?: UndecodableBatch | undefined;
};

interface ChunkQueueOptions {
  readonly loader: ChunkLoader;
  /** Maximum number of chunks that are being encoded, waiting or being written. */
  readonly maxChunks: number;
  /** `EVENTS_MAX_AGE_DAYS` */
  readonly maxAgeDays: number;
  readonly retention: Retention;
  readonly onLoaded: (chunk: Chunk, loaded: Counts) => void;
  /** Called for every failure. A {@link LoadError} is not retried. */
  readonly onFailure: (error: Error) => void;
  /** Called when no chunk is in progress. */
  readonly onIdle: () => void;
}

/**
 * Encodes and writes chunks concurrently with reading: while Postgres writes one chunk, the next one is fetched and encoded.
 * Chunks of one partition are written in order, chunks of different partitions concurrently.
 */
export class ChunkQueue implements AsyncDisposable {
  private readonly tails = new Map<string, Promise<void>>();
  private readonly freeWriters: CopyWriter[];
  private readonly waiting: (() => void)[] = [];
  private readonly stopped = new AbortController();
  private encoding: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: ChunkQueueOptions) {
    this.freeWriters = Array.from({ length: options.maxChunks }, () => new CopyWriter());
  }

  /** Encodes and queues records. Waits while too many chunks are in progress. The records must not change until it resolves. */
  async push({ records, undecodable, ...place }: UnencodedChunk): Promise<void> {
    const writer = await this.acquireWriter();
    const encoded = undecodable
      ? encodeUndecodable(undecodable, { writer, from: place.from })
      : await this.encodeInOrder(() =>
          encodeChunk(place.table, records, { writer, ...this.limits(place.table) }),
        );
    const chunk: Chunk = { ...place, encoded };
    const key = partitionName(chunk.topic, chunk.partition);
    const before = this.tails.get(key) ?? Promise.resolve();
    const tail = before
      .then(() => this.write(chunk))
      .finally(() => {
        this.releaseWriter(writer);
        if (this.tails.get(key) === tail) this.tails.delete(key);
        if (this.tails.size === 0) this.options.onIdle();
      });
    this.tails.set(key, tail);
  }

  /** Waits for chunks that are being written, and drops the waiting ones. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped.abort();
    while (this.tails.size > 0) await Promise.all(this.tails.values());
  }

  /** Never rejects: failures are passed to the load, which decides when to stop. */
  private async write(chunk: Chunk): Promise<void> {
    const { signal } = this.stopped;
    for (let retry = 0; !signal.aborted; retry += 1) {
      try {
        this.options.onLoaded(chunk, await this.options.loader.load(chunk));
        return;
      } catch (error) {
        this.options.onFailure(error as Error);
        if (error instanceof LoadError) return this.stopped.abort();
        await sleep(backoffMs(retry, RETRY_BACKOFF), signal);
      }
    }
  }

  private limits({ name }: Table): LoadLimits {
    const { maxAgeDays, retention } = this.options;
    const nowMs = Date.now();
    return { nowMs, maxAgeDays, isExpired: retention.expiry(name, nowMs) };
  }

  /** Encodes one chunk at a time, so that the first one is ready early. */
  private encodeInOrder<T>(encode: () => Promise<T>): Promise<T> {
    const encoded = this.encoding.then(encode);
    this.encoding = encoded.catch(() => {});
    return encoded;
  }

  private async acquireWriter(): Promise<CopyWriter> {
    for (;;) {
      const writer = this.freeWriters.pop();
      if (writer) return writer;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  private releaseWriter(writer: CopyWriter): void {
    this.freeWriters.push(writer);
    this.waiting.shift()?.();
  }
}
