import { partitionName, type LogRecord, type UndecodableBatch } from '@hailstream/log';
import { backoffMs } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import { CopyWriter } from '../rows/copy-writer.js';
import { encodeChunk, encodeUndecodable } from '../rows/encode-chunk.js';
import type { Chunk, ChunkLoader } from './chunk-loader.postgres.js';
import type { Counts } from './counts.js';
import { LoadError } from './load.errors.js';

/** Waits before a chunk that failed is tried again: doubled each time. How long in all is for the load to say. */
const RETRY_BACKOFF = { firstMs: 100, maxMs: 5_000 };

/** A chunk whose records are not encoded yet: perhaps none, if the position only passes offsets. */
type UnencodedChunk = Omit<Chunk, 'encoded'> & {
  readonly records: readonly LogRecord[];
  /** What there is instead of records. */
  readonly undecodable?: UndecodableBatch | undefined;
};

interface ChunkQueueOptions {
  readonly loader: ChunkLoader;
  /** Chunks that are encoded, waiting or being written, at most. */
  readonly maxChunks: number;
  /** `EVENTS_MAX_AGE_DAYS` */
  readonly maxAgeDays: number;
  readonly onLoaded: (chunk: Chunk, loaded: Counts) => void;
  /** Called for every failure. A {@link LoadError} is not retried. */
  readonly onFailure: (error: Error) => void;
  /** Called when no chunk is in progress. */
  readonly onIdle: () => void;
}

/**
 * Encodes batches and has them written behind the reader's back: while Postgres takes one chunk, the next one is
 * fetched and encoded. Chunks of one partition are written in their order; partitions side by side.
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
    const { maxAgeDays } = this.options;
    const writer = await this.takeWriter();
    const encoded = undecodable
      ? encodeUndecodable(undecodable, { writer, from: place.from })
      : await this.inTurn(() => encodeChunk(place.table, records, { writer, nowMs: Date.now(), maxAgeDays }));
    const chunk: Chunk = { ...place, encoded };
    const key = partitionName(chunk.topic, chunk.partition);
    const before = this.tails.get(key) ?? Promise.resolve();
    const tail = before
      .then(() => this.write(chunk))
      .finally(() => {
        this.giveBack(writer);
        if (this.tails.get(key) === tail) this.tails.delete(key);
        if (this.tails.size === 0) this.options.onIdle();
      });
    this.tails.set(key, tail);
  }

  /** Finishes what is being written, and drops what waits. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stopped.abort();
    while (this.tails.size > 0) await Promise.all(this.tails.values());
  }

  /** Never rejects: what goes wrong is told to the load, which knows when to give up. */
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

  /** One chunk is encoded at a time, so that Postgres has the first one soon and not all of them late. */
  private inTurn<T>(encode: () => Promise<T>): Promise<T> {
    const encoded = this.encoding.then(encode);
    this.encoding = encoded.catch(() => {});
    return encoded;
  }

  private async takeWriter(): Promise<CopyWriter> {
    for (;;) {
      const writer = this.freeWriters.pop();
      if (writer) return writer;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  private giveBack(writer: CopyWriter): void {
    this.freeWriters.push(writer);
    this.waiting.shift()?.();
  }
}
