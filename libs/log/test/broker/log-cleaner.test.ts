import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Codec } from '../../src/compression/compression.js';
import { batchSizeBytes, readBatchHeader } from '../../src/protocol/record-batch.js';
import { makeRecordBatch, readableRecordsOf } from '../../src/protocol/records.js';
import { nodeFileSystem, type FileSystem, type LogFile } from '../../src/broker/storage/files/file-system.js';
import type { LogSettings } from '../../src/broker/storage/partition/log-segments.js';
import { PartitionLog } from '../../src/broker/storage/partition/partition-log.js';

const SETTINGS: LogSettings = {
  segmentBytes: 1500,
  segmentMs: 3_600_000,
  retentionBytes: -1,
  retentionMs: -1,
  flushMessages: Infinity,
  flushMs: 1000,
  timestampType: 'CreateTime',
  deletesOldSegments: true,
  compacts: true,
  minCleanableRatio: 0,
  deleteRetentionMs: 0,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Number.MAX_SAFE_INTEGER,
  dedupeBufferBytes: 1 << 20,
};
const PRODUCER = 7n;
const NEVER = new AbortController().signal;

let folder: string;

beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-cleaner-'));
});
afterEach(async () => {
  await fs.rm(folder, { recursive: true });
});

/** The checkpoint entries of one log. */
interface Kept {
  gapsBefore: bigint;
  cleanedBefore: bigint;
}

async function open(
  in_: string,
  kept: Kept,
  settings: Partial<LogSettings> = {},
  files: FileSystem = nodeFileSystem,
): Promise<PartitionLog> {
  const log: PartitionLog = await PartitionLog.open({
    files,
    folder: in_,
    logger: pino({ level: 'silent' }),
    settings: () => ({ ...SETTINGS, ...settings }),
    now: Date.now,
    recoveryPoint: 0n,
    closedCleanly: false,
    logStartOffset: 0n,
    ...kept,
    onCleaning: async () => {
      kept.gapsBefore = log.gapsBefore;
    },
    onCleaned: async () => {
      kept.cleanedBefore = log.cleanedBefore;
    },
  });
  return log;
}

const nothingKept = (): Kept => ({ gapsBefore: 0n, cleanedBefore: 0n });

interface Entry {
  readonly key: string;
  readonly value: string | null;
}

/** Appends batches of a producer, with several entries each. */
async function append(log: PartitionLog, batches: readonly Entry[][], attributes = 0): Promise<void> {
  for (const entries of batches) {
    const batch = makeRecordBatch(
      entries.map(({ key, value }) => ({
        key: Buffer.from(key),
        value: value === null ? null : Buffer.from(value),
      })),
      1000n,
      {
        attributes,
        producerId: PRODUCER,
        producerEpoch: 0,
        baseSequence: Number(log.highWatermark),
      },
    );
    await log.append(batch, readBatchHeader(batch));
  }
}

/** Every record by offset, as a reader receives it. */
async function read(log: PartitionLog): Promise<Map<bigint, Entry>> {
  const records = new Map<bigint, Entry>();
  let offset = log.logStartOffset;
  while (offset < log.highWatermark) {
    const bytes = Buffer.concat(await log.read(offset, 1000, true));
    if (bytes.length === 0) break;
    for (let at = 0; at < bytes.length; at += batchSizeBytes(bytes, at)) {
      const header = readBatchHeader(bytes, at);
      expect(header.lastOffset).toBeGreaterThanOrEqual(offset);
      for (const { offsetDelta, key, value } of readableRecordsOf(
        bytes.subarray(at, at + header.sizeBytes),
      ) ?? []) {
        records.set(header.baseOffset + BigInt(offsetDelta), {
          key: String(key),
          value: value === null ? null : String(value),
        });
      }
      offset = header.lastOffset + 1n;
    }
  }
  return records;
}

const valueOf = (i: number) => String(i).padStart(60, '0');

/** Batches of one to three entries with few distinct keys. */
function manyBatches(count: number, keys: number): Entry[][] {
  let i = 0;
  return Array.from({ length: count }, (_, n) =>
    Array.from({ length: 1 + (n % 3) }, () => ({ key: `k${(i * 7) % keys}`, value: valueOf(i++) })),
  );
}

const segmentsIn = async (in_: string) =>
  (await fs.readdir(in_)).filter((name) => name.endsWith('.log')).sort();

/** The latest entry of each key, with its offset. */
function newestOf(
  records: ReadonlyMap<bigint, Entry>,
): Map<string, { offset: bigint; value: string | null }> {
  const newest = new Map<string, { offset: bigint; value: string | null }>();
  for (const [offset, { key, value }] of records) newest.set(key, { offset, value });
  return newest;
}

/** The same without deleted keys, whose tombstones may or may not remain. */
const valuesIn = (records: ReadonlyMap<bigint, Entry>) =>
  new Map([...newestOf(records)].filter(([, { value }]) => value !== null));

describe('a compaction pass', () => {
  it.each(Object.entries(Codec))(
    'keeps the latest record of each key in merged segments, compressed with %s',
    async (_, codec) => {
      const transactions = nothingKept();
      const log = await open(folder, transactions);
      await append(log, manyBatches(120, 10), codec);
      const before = await read(log);
      const segmentsBefore = await segmentsIn(folder);
      await log.compact(NEVER);
      const after = await read(log);
      expect(newestOf(after)).toEqual(newestOf(before));
      expect(after.size).toBeLessThan(before.size / 4);
      for (const [offset, entry] of after) expect(before.get(offset)).toEqual(entry);
      expect((await segmentsIn(folder)).length).toBeLessThan(segmentsBefore.length / 2);
      expect(log.logStartOffset).toBe(0n);
      expect(log.highWatermark).toBe(BigInt(before.size));
      expect(transactions.cleanedBefore).toBeGreaterThan(0n);
      await log.abort();
      const again = await open(folder, transactions);
      expect(await read(again)).toEqual(after);
      await again.close();
    },
  );

  it('is repeated if the key map is full, with the same result', async () => {
    const transactions = nothingKept();
    const log = await open(folder, transactions, { dedupeBufferBytes: 300 });
    await append(log, manyBatches(90, 20));
    const newest = newestOf(await read(log));
    const reached: bigint[] = [];
    for (;;) {
      await log.compact(NEVER);
      if (reached.at(-1) === log.cleanedBefore) break;
      reached.push(log.cleanedBefore);
    }
    expect(reached.length).toBeGreaterThan(5);
    const after = await read(log);
    expect(newestOf(after)).toEqual(newest);
    expect(after.size).toBeLessThan(60);
    await log.close();
  });

  it('keeps the last sequence number of each producer, also for a start that rebuilds the state from the log', async () => {
    const transactions = nothingKept();
    const log = await open(folder, transactions);
    await append(log, [[{ key: 'a', value: valueOf(1) }]]);
    const other = (value: string) => {
      const batch = makeRecordBatch([{ key: Buffer.from('a'), value: Buffer.from(value) }], 1000n);
      return log.append(batch, readBatchHeader(batch));
    };
    for (let i = 0; i < 60; i++) await other(valueOf(i));
    await log.compact(NEVER);
    expect((await read(log)).has(0n)).toBe(false);
    await log.abort();
    for (const name of await fs.readdir(folder)) {
      if (name.endsWith('.snapshot')) await fs.rm(path.join(folder, name));
    }
    const again = await open(folder, transactions);
    const end = again.highWatermark;
    expect(again.producers.entries()).toMatchObject([{ producerId: PRODUCER, epoch: 0, lastSequence: 0 }]);
    const repeated = makeRecordBatch([{ key: Buffer.from('a'), value: null }], 1000n, {
      producerId: PRODUCER,
      producerEpoch: 0,
      baseSequence: 0,
    });
    expect(await again.append(repeated, readBatchHeader(repeated))).toMatchObject({ baseOffset: 0n });
    expect(again.highWatermark).toBe(end);
    await again.close();
  });

  it('runs concurrently with appends, reads and DeleteRecords', async () => {
    const transactions = nothingKept();
    const log = await open(folder, transactions);
    await append(log, manyBatches(60, 8));
    let done = false;
    const passes = (async () => {
      while (!done) {
        await log.compact(NEVER);
        await setImmediate();
      }
    })();
    for (let round = 0; round < 30; round++) {
      await append(log, manyBatches(6, 8));
      if (round % 5 === 4) await log.deleteBefore(log.highWatermark - 40n);
      const records = await read(log);
      expect(newestOf(records).size).toBe(8);
      expect(records.has(log.highWatermark - 1n)).toBe(true);
    }
    done = true;
    await passes;
    await log.abort();
    const again = await open(folder, transactions);
    expect(newestOf(await read(again)).size).toBe(8);
    await again.close();
  });
});

/** A file system on which the process is killed at its n-th change, after half of a write. */
function killedAt(step: number): { files: FileSystem; steps: () => number } {
  let steps = 0;
  const act = async <T>(work: () => Promise<T>, half?: () => Promise<unknown>): Promise<T> => {
    steps++;
    if (steps === step) await half?.();
    if (steps >= step) throw new Error('killed');
    return work();
  };
  const wrap = (file: LogFile): LogFile => ({
    read: (buffer, position) => file.read(buffer, position),
    sizeBytes: () => file.sizeBytes(),
    close: () => file.close(),
    sync: () => act(() => file.sync()),
    truncate: (size) => act(() => file.truncate(size)),
    write: (buffers, position) =>
      act(
        () => file.write(buffers, position),
        () => {
          const all = Buffer.concat(buffers);
          return file.write([all.subarray(0, all.length / 2)], position);
        },
      ),
  });
  const files: FileSystem = {
    ...nodeFileSystem,
    open: (file) => act(async () => wrap(await nodeFileSystem.open(file))),
    replaceFile: (file, contents) => act(() => nodeFileSystem.replaceFile(file, contents)),
    remove: (target) => act(() => nodeFileSystem.remove(target)),
    rename: (from, to) => act(() => nodeFileSystem.rename(from, to)),
  };
  return { files, steps: () => steps };
}

describe('an interrupted compaction pass', () => {
  it('neither loses nor restores records at any step, and the next pass completes it', async () => {
    const origin = path.join(folder, 'origin');
    const full = await open(origin, nothingKept());
    await append(full, manyBatches(24, 6));
    await append(full, [[{ key: 'gone', value: valueOf(1) }], [{ key: 'gone', value: null }]]);
    await append(full, manyBatches(12, 6));
    const before = await read(full);
    await full.abort();

    const whole = path.join(folder, 'whole');
    await fs.cp(origin, whole, { recursive: true });
    const counting = killedAt(Infinity);
    const undisturbed = await open(whole, nothingKept(), {}, counting.files);
    const opened = counting.steps();
    await undisturbed.compact(NEVER);
    const steps = counting.steps() - opened;
    const expected = await read(undisturbed);
    await undisturbed.abort();
    expect(steps).toBeGreaterThan(20);

    for (let step = 1; step <= steps; step++) {
      const dir = path.join(folder, `step-${step}`);
      await fs.cp(origin, dir, { recursive: true });
      const transactions = nothingKept();
      const dying = await open(dir, transactions, {}, killedAt(opened + step).files);
      await dying.compact(NEVER).catch(() => undefined);
      const served = await read(dying);
      await dying.abort();
      const again = await open(dir, transactions);
      const found = await read(again);
      expect(found).toEqual(served);
      expect(again.highWatermark).toBe(BigInt(before.size));
      for (const [offset, entry] of found) expect(before.get(offset)).toEqual(entry);
      expect(newestOf(found)).toEqual(newestOf(before));
      expect((await fs.readdir(dir)).filter((name) => /swap|cleaned/.test(name))).toEqual([]);
      await again.compact(NEVER);
      expect(valuesIn(await read(again))).toEqual(valuesIn(expected));
      await again.close();
      await fs.rm(dir, { recursive: true });
    }
  });
});

describe('repeated compaction', () => {
  it('always leaves the contents of a map of the latest values', async () => {
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            entries: fc.array(fc.tuple(fc.nat(5), fc.boolean()), { minLength: 1, maxLength: 4 }),
            codec: fc.constantFrom(...Object.values(Codec)),
            event: fc.constantFrom('none', 'none', 'compact', 'kill'),
          }),
          { minLength: 20, maxLength: 60 },
        ),
        fc.constantFrom(200, 1 << 20),
        async (steps, dedupeBufferBytes) => {
          const dir = path.join(folder, `round-${round++}`);
          const transactions = nothingKept();
          const settings = { dedupeBufferBytes, segmentBytes: 1024 };
          let log = await open(dir, transactions, settings);
          const model = new Map<string, string>();
          let n = 0;
          for (const { entries, codec, event } of steps) {
            const batch = entries.map(([k, isTombstone]) => {
              const entry = { key: `k${k}`, value: isTombstone ? null : valueOf(n++) };
              if (entry.value === null) model.delete(entry.key);
              else model.set(entry.key, entry.value);
              return entry;
            });
            await append(log, [batch], codec);
            if (event === 'compact') await log.compact(NEVER);
            if (event === 'kill') {
              await log.abort();
              log = await open(dir, transactions, settings);
            }
          }
          await log.compact(NEVER);
          const values = [...valuesIn(await read(log))].map(([key, { value }]) => [key, value] as const);
          expect(new Map(values)).toEqual(model);
          await log.close();
        },
      ),
      { numRuns: 25 },
    );
  });
});
