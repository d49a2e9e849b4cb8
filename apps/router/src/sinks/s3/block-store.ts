import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { TopicIdentity } from '@hailstream/log';
import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { SinkError } from '../sink.errors.js';
import type { EncodedObject } from './block-records.js';
import {
  blockFolder,
  blockManifestKey,
  hourManifestKey,
  logIdentityKey,
  rewriteKey,
  rewritesFolder,
  rewrittenKey,
  rangeOfKey,
  type BlockRange,
} from './layout.js';
import {
  encodeManifest,
  hoursOf,
  type HourManifest,
  parseBlockManifest,
  parseHourManifest,
  parseLogIdentity,
  withBlock,
  withRewrittenBlock,
  type BlockManifest,
} from './manifests.js';
import type { ObjectStore } from './object-store.js';

/** Attempts to update the manifest of an hour while other processes update it, too. */
const MAX_UPDATES = 100;
const UPDATE_BACKOFF = { firstMs: 5, maxMs: 500 };
/** Requests of one block at the same time. */
const CONCURRENT_REQUESTS = 8;

/**
 * Stores blocks exactly once: first the block's manifest, which fixes the end of the block, then its objects, then the
 * manifests of its hours. Each step can be repeated by any process and leaves the same objects.
 */
export class BlockStore {
  /** The last update of each hour's manifest: blocks of one process must not compete for it. */
  private readonly updates = new Map<string, Promise<void>>();

  constructor(
    private readonly store: ObjectStore,
    private readonly prefix: string,
  ) {}

  /**
   * Records which topic the objects are from, before the first of them is written.
   *
   * @throws SinkError `ANOTHER_LOG` if they are from another topic of this name
   */
  async requireLog(topic: string, { clusterId, topicId }: TopicIdentity): Promise<void> {
    const key = logIdentityKey(this.prefix, topic);
    if (await this.store.putIfAbsent(key, encodeManifest({ version: 1, clusterId, topicId }))) return;
    const found = await this.store.get(key);
    if (found === undefined) {
      throw new SinkError('UNAVAILABLE', `${key} was deleted while it was read`, { retryable: true });
    }
    const stored = parseLogIdentity(key, found.bytes);
    if (stored.clusterId === clusterId && stored.topicId === topicId) return;
    const message =
      `the bucket has records of another topic "${topic}" (cluster ${stored.clusterId}, id ${stored.topicId}): the topic was ` +
      'deleted and created again, or the cluster is another one; use another prefix and another job name';
    throw new SinkError('ANOTHER_LOG', message, { retryable: false });
  }

  /** The stored manifest of the block that starts at an offset. */
  async find(start: Omit<BlockRange, 'to'>): Promise<BlockManifest | undefined> {
    const key = blockManifestKey(this.prefix, start);
    const found = await this.store.get(key);
    return found && parseBlockManifest(key, found.bytes);
  }

  /** The stored manifests of a partition, in the order of their offsets. */
  async *blocks(topic: string, partition: number): AsyncGenerator<BlockManifest, void, void> {
    for await (const key of this.store.list(blockFolder(this.prefix, topic, partition))) {
      const found = await this.store.get(key);
      if (found) yield parseBlockManifest(key, found.bytes);
    }
  }

  /**
   * Claims a block. Returns its manifest: the given one, or the one that another process or an earlier attempt has stored
   * for the block that starts there, which may end elsewhere.
   */
  async claim(block: BlockManifest): Promise<BlockManifest> {
    const start = { topic: block.topic, partition: block.partition, from: BigInt(block.from) };
    const key = blockManifestKey(this.prefix, start);
    if (await this.store.putIfAbsent(key, encodeManifest(block))) return block;
    const stored = await this.find(start);
    if (stored) return stored;
    throw new SinkError('UNAVAILABLE', `${key} was deleted while it was read`, { retryable: true });
  }

  /**
   * Writes the objects of a claimed block, unless they are stored already, and lists them in the manifests of their hours.
   *
   * @throws SinkError `CONFLICT` if an object has other content
   */
  async write(block: BlockManifest, objects: readonly EncodedObject[]): Promise<void> {
    await concurrently(objects, (object) => this.writeObject(object));
    await concurrently(hoursOf(block), (hourMs) => this.updateHour(block, hourMs, withBlock));
  }

  /**
   * Replaces objects of a delivered block. Their next content is stored first, then the block's manifest is replaced, which decides;
   * then the objects and the manifests of its hours. After a crash {@link completeRewrites} continues.
   *
   * @throws SinkError `UNAVAILABLE` if the manifest has changed since it was read as `previous`
   */
  async rewrite(
    block: BlockManifest,
    previous: BlockManifest,
    objects: readonly EncodedObject[],
  ): Promise<void> {
    await concurrently(objects, ({ stored, bytes }) =>
      this.store.overwrite(rewriteKey(this.prefix, stored.key), bytes, stored.sha256),
    );
    const key = blockManifestKey(this.prefix, { ...block, from: BigInt(block.from) });
    const found = await this.store.get(key);
    const isUnchanged = found?.bytes.equals(encodeManifest(previous)) ?? false;
    if (!found || !isUnchanged || !(await this.store.replace(key, encodeManifest(block), found.etag))) {
      throw new SinkError('UNAVAILABLE', `${key} was changed by another process`, { retryable: true });
    }
    await this.replaceObjects(block, objects);
  }

  /** Completes, or discards, what a process has begun that was interrupted. No other process must rewrite blocks. */
  async completeRewrites(): Promise<void> {
    for await (const staged of this.store.list(rewritesFolder(this.prefix))) {
      const key = rewrittenKey(this.prefix, staged);
      const range = rangeOfKey(key);
      const block = range && (await this.find(range));
      const stored = block?.objects.find((object) => object.key === key);
      const found = await this.store.get(staged);
      if (!found) continue;
      const sha256 = createHash('sha256').update(found.bytes).digest('hex');
      // Otherwise the manifest was not replaced: the object has its previous content.
      if (block && stored?.sha256 === sha256)
        await this.replaceObjects(block, [{ stored, bytes: found.bytes }]);
      else await this.store.delete(staged);
    }
  }

  private async replaceObjects(block: BlockManifest, objects: readonly EncodedObject[]): Promise<void> {
    await concurrently(objects, ({ stored, bytes }) =>
      this.store.overwrite(stored.key, bytes, stored.sha256),
    );
    await concurrently(hoursOf(block), (hourMs) => this.updateHour(block, hourMs, withRewrittenBlock));
    await concurrently(objects, ({ stored }) => this.store.delete(rewriteKey(this.prefix, stored.key)));
  }

  private async writeObject({ stored, bytes }: EncodedObject): Promise<void> {
    const { key, sizeBytes, sha256 } = stored;
    if (await this.store.putIfAbsent(key, bytes, sha256)) return;
    const found = await this.store.describe(key);
    if (found === undefined) {
      const message = `${key} was not written, because another request for it was in progress`;
      throw new SinkError('UNAVAILABLE', message, { retryable: true });
    }
    if (found.sizeBytes === sizeBytes && found.sha256 === sha256) return;
    throw new SinkError('CONFLICT', `${key} exists with different content than the log`, {
      retryable: false,
    });
  }

  private async updateHour(block: BlockManifest, hourMs: number, change: HourChange): Promise<void> {
    const key = hourManifestKey(this.prefix, block.topic, hourMs);
    const previous = this.updates.get(key) ?? Promise.resolve();
    const update = previous
      .catch(() => undefined)
      .then(() => this.changeHour(key, { block, hourMs, change }));
    this.updates.set(key, update);
    try {
      await update;
    } finally {
      if (this.updates.get(key) === update) this.updates.delete(key);
    }
  }

  private async changeHour(
    key: string,
    { block, hourMs, change }: { block: BlockManifest; hourMs: number; change: HourChange },
  ): Promise<void> {
    for (let attempt = 0; attempt < MAX_UPDATES; attempt += 1) {
      const found = await this.store.get(key);
      const known = found && parseHourManifest(key, found.bytes);
      const manifest = change(known, block, hourMs);
      if (manifest === known) return;
      const bytes = encodeManifest(manifest);
      const isWritten = found
        ? await this.store.replace(key, bytes, found.etag)
        : await this.store.putIfAbsent(key, bytes);
      if (isWritten) return;
      await delay(withJitter(backoffMs(attempt, UPDATE_BACKOFF)));
    }
    throw new SinkError('UNAVAILABLE', `${key} is being updated by too many processes`, { retryable: true });
  }
}

type HourChange = (known: HourManifest | undefined, block: BlockManifest, hourMs: number) => HourManifest;

async function concurrently<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> {
  const remaining = items.values();
  const workers = Array.from({ length: Math.min(CONCURRENT_REQUESTS, items.length) }, async () => {
    for (const item of remaining) await work(item);
  });
  await Promise.all(workers);
}
