import {
  decodeValue,
  erasureKinds,
  erasureTopic,
  erasureValidator,
  EventDecodeError,
  eventRegistry,
  personalIdFields,
  type ErasureKind,
  type ErasureRecord,
} from '@hailstream/events';
import {
  createRangeReader,
  type Admin,
  type LogConnection,
  type LogRecord,
  type RangeReader,
} from '@hailstream/log';
import type { Logger } from '@hailstream/service/logging';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { sleep } from '@hailstream/service/timers';
import type { Event } from '../router-file/filter.js';

/** How often new erasures are looked up. */
const POLL_MS = 1_000;

interface ErasuresOptions {
  readonly connection: LogConnection;
  readonly admin: Admin;
  readonly logger: Logger;
}

/**
 * The riders and devices that `ride.erasures` names. Every process reads the whole topic, before it delivers the first event. In
 * memory are the ids that the log has: a record that its retention has deleted is not known after a restart.
 */
export class Erasures implements AsyncDisposable {
  private readonly ids = { rider: new Set<string>(), device: new Set<string>() };
  private readonly listeners = new Set<() => void>();
  private readonly stop = new AbortController();
  private readonly reader: RangeReader;
  private readonly failures: RateLimitedLogger;
  private readonly positions = new Map<number, bigint>();
  private topicId: string | undefined;
  private opening: Promise<void> | undefined;
  private following: Promise<void> = Promise.resolve();

  constructor(private readonly options: ErasuresOptions) {
    const { connection, logger } = options;
    this.reader = createRangeReader({ connection, logger });
    this.failures = new RateLimitedLogger(logger);
  }

  /** Resolves once all erasures that the log has are known. @throws LogError if the topic cannot be read; the next call tries again */
  ready(): Promise<void> {
    this.opening ??= this.open().catch((error: unknown) => {
      this.opening = undefined;
      throw error;
    });
    return this.opening;
  }

  get isEmpty(): boolean {
    return erasureKinds.every((kind) => this.ids[kind].size === 0);
  }

  /** In lower case, in the order in which they were erased. */
  idsOf(kind: ErasureKind): readonly string[] {
    return [...this.ids[kind]];
  }

  has(kind: ErasureKind, id: string): boolean {
    return this.ids[kind].has(id.toLowerCase());
  }

  add(erasures: readonly ErasureRecord[]): void {
    const added = erasures.filter(({ kind, id }) => !this.has(kind, id));
    for (const { kind, id } of added) this.ids[kind].add(id.toLowerCase());
    if (added.length > 0) for (const listener of this.listeners) listener();
  }

  /** Calls the listener when there are new erasures, until the function that is returned is called. */
  onAdded(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  /** Whether an event is about an erased rider or device. */
  cover(event: Event): boolean {
    if (this.isEmpty) return false;
    return erasureKinds.some((kind) =>
      personalIdFields[kind].some((field) => {
        const id = event[field];
        return typeof id === 'string' && this.has(kind, id);
      }),
    );
  }

  /** Whether a record is an event about an erased rider or device. Topics without an event family have none. */
  coverRecord(topic: string, { value }: Pick<LogRecord, 'value'>): boolean {
    if (this.isEmpty || !eventRegistry.byTopic.has(topic)) return false;
    const event = parsed(value);
    return event !== undefined && this.cover(event);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.following;
    await this.reader[Symbol.asyncDispose]();
    this.failures.stop();
  }

  private async open(): Promise<void> {
    await this.options.admin.ensureTopics([erasureTopic]);
    await this.readNew();
    this.following = this.follow();
  }

  private async follow(): Promise<void> {
    const { signal } = this.stop;
    for (await sleep(POLL_MS, signal); !signal.aborted; await sleep(POLL_MS, signal)) {
      try {
        await this.readNew();
      } catch (error) {
        if (!signal.aborted) this.failures.warn({ err: error }, 'erasures cannot be read, will retry');
      }
    }
  }

  private async readNew(): Promise<void> {
    const { admin } = this.options;
    const { name: topic } = erasureTopic;
    const topicId = (await admin.identities([topic])).get(topic)?.topicId;
    // What was erased remains erased, also if the topic is created again.
    if (topicId !== this.topicId) this.positions.clear();
    this.topicId = topicId;
    for (const [partition, { earliest, latest }] of await admin.offsets(topic, {
      isolation: 'read_committed',
    })) {
      const known = this.positions.get(partition) ?? earliest;
      const from = known < earliest ? earliest : known;
      if (from < latest) await this.read(partition, from, latest);
    }
  }

  private async read(partition: number, from: bigint, to: bigint): Promise<void> {
    const { name: topic } = erasureTopic;
    const ranges = [{ topic, partition, from, to }];
    const { signal } = this.stop;
    const request = { ranges, signal, onGap: () => undefined, onUndecodable: () => undefined };
    for await (const { records, nextOffset } of await this.reader.readRange(request)) {
      this.add(records.flatMap((record) => this.decode(record)));
      this.positions.set(partition, nextOffset);
    }
    this.positions.set(partition, to);
  }

  private decode({ value, offset }: LogRecord): ErasureRecord[] {
    try {
      return [decodeValue(erasureValidator, value)];
    } catch (error) {
      if (!(error instanceof EventDecodeError)) throw error;
      this.options.logger.warn(
        { err: error, offset: String(offset) },
        'skipped a record that is not an erasure',
      );
      return [];
    }
  }
}

/** Returns `undefined` for a value that is not a JSON object: it is delivered, or becomes a dead letter, as if nothing was erased. */
function parsed(value: Buffer | null): Event | undefined {
  try {
    const event: unknown = JSON.parse(value?.toString('utf8') ?? '');
    return typeof event === 'object' && event !== null ? (event as Event) : undefined;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    return undefined;
  }
}
