import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import fc from 'fast-check';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBatchHeader, batchSizeBytes } from '../../src/protocol/record-batch.js';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { nodeFileSystem } from '../../src/broker/storage/files/file-system.js';
import type { LogSettings } from '../../src/broker/storage/partition/log-segments.js';
import { PartitionLog } from '../../src/broker/storage/partition/partition-log.js';

const SETTINGS: LogSettings = {
  segmentBytes: 2000,
  segmentMs: 3_600_000,
  retentionBytes: -1,
  retentionMs: -1,
  flushMessages: Infinity,
  flushMs: 1000,
  timestampType: 'CreateTime',
  deletesOldSegments: true,
  compacts: false,
  minCleanableRatio: 0.5,
  deleteRetentionMs: 0,
  minCompactionLagMs: 0,
  maxCompactionLagMs: Infinity,
  dedupeBufferBytes: 1 << 20,
};
const BATCHES = 40;
const PRODUCER = 7n;

let folder: string;

beforeEach(async () => {
  folder = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-recovery-'));
});
afterEach(async () => {
  await fs.rm(folder, { recursive: true });
});

function open(in_: string, closedCleanly = false, recoveryPoint = 0n): Promise<PartitionLog> {
  return PartitionLog.open({
    files: nodeFileSystem,
    folder: in_,
    logger: pino({ level: 'silent' }),
    settings: () => SETTINGS,
    now: Date.now,
    recoveryPoint,
    closedCleanly,
    cleanedBefore: 0n,
    gapsBefore: 0n,
    logStartOffset: 0n,
  });
}

function batchOf(i: number): Buffer {
  const entries = Array.from({ length: 1 + (i % 3) }, (_, n) => ({
    key: null,
    value: Buffer.alloc(20 + ((i * 37) % 200), n),
  }));
  const baseSequence = sequenceOf(i);
  return makeRecordBatch(entries, BigInt(1000 + i), { producerId: PRODUCER, producerEpoch: 0, baseSequence });
}

/** Number of records in the batches before the i-th. */
function sequenceOf(i: number): number {
  let records = 0;
  for (let n = 0; n < i; n++) records += 1 + (n % 3);
  return records;
}

async function fill(log: PartitionLog, from = 0, to = BATCHES): Promise<void> {
  for (let i = from; i < to; i++) {
    const batch = batchOf(i);
    await log.append(batch, readBatchHeader(batch));
  }
}

/** Last offsets of all readable batches, after verifying that no offset is missing between them. */
async function readBack(log: PartitionLog): Promise<bigint[]> {
  const lasts: bigint[] = [];
  let offset = log.logStartOffset;
  while (offset < log.highWatermark) {
    const bytes = Buffer.concat(await log.read(offset, 1 << 20, true));
    expect(bytes.length).toBeGreaterThan(0);
    for (let at = 0; at < bytes.length; at += batchSizeBytes(bytes, at)) {
      const header = readBatchHeader(bytes, at);
      expect(header.baseOffset).toBe(offset);
      lasts.push(header.lastOffset);
      offset = header.lastOffset + 1n;
    }
  }
  return lasts;
}

/** The files of the log, oldest first, with their sizes. */
async function logFiles(in_: string): Promise<{ name: string; sizeBytes: number; base: bigint }[]> {
  const names = (await fs.readdir(in_)).filter((name) => name.endsWith('.log')).sort();
  return Promise.all(
    names.map(async (name) => ({
      name,
      base: BigInt(name.slice(0, 20)),
      sizeBytes: (await fs.stat(path.join(in_, name))).size,
    })),
  );
}

/** The offset after the last batch that ends at or before a position of a file. */
function endBefore(segment: Buffer, base: bigint, position: number): bigint {
  let end = base;
  for (let at = 0; at < segment.length;) {
    const size = batchSizeBytes(segment, at);
    if (at + size > position) break;
    end = readBatchHeader(segment, at).lastOffset + 1n;
    at += size;
  }
  return end;
}

describe('a reopened log', () => {
  it('has all records after a kill and after a shutdown', async () => {
    for (const end of ['abort', 'close'] as const) {
      const dir = path.join(folder, end);
      const log = await open(dir);
      await fill(log);
      await log[end]();
      expect((await logFiles(dir)).length).toBeGreaterThan(3);
      const again = await open(dir, end === 'close');
      expect(await readBack(again)).toHaveLength(BATCHES);
      const repeated = batchOf(BATCHES - 1);
      await again.append(repeated, readBatchHeader(repeated));
      expect(again.highWatermark).toBe(BigInt(sequenceOf(BATCHES)));
      await fill(again, BATCHES, BATCHES + 5);
      expect(await readBack(again)).toHaveLength(BATCHES + 5);
      await again.close();
    }
  });

  it('serves every batch before the damage and none after it, for every flipped byte and every truncation', async () => {
    const intact = path.join(folder, 'intact');
    const log = await open(intact);
    await fill(log);
    await log.abort();
    const files = await logFiles(intact);
    const total = files.reduce((sum, file) => sum + file.sizeBytes, 0);
    let round = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 0, max: total - 1 }),
        fc.constantFrom('flip', 'truncate', 'garbage'),
        fc.integer({ min: 1, max: 255 }),
        async (position, kind, mask) => {
          const dir = path.join(folder, `round-${round++}`);
          await fs.cp(intact, dir, { recursive: true });
          let at = position;
          const file = files.find((each) => {
            if (at < each.sizeBytes) return true;
            at -= each.sizeBytes;
            return false;
          }) as (typeof files)[number];
          const target = path.join(dir, file.name);
          const segment = await fs.readFile(target);
          const expected = endBefore(segment, file.base, at);
          const damaged = Buffer.from(segment);
          if (kind === 'flip') damaged[at] = (damaged[at] as number) ^ mask;
          const contents =
            kind === 'flip'
              ? damaged
              : kind === 'truncate'
                ? segment.subarray(0, at)
                : Buffer.concat([segment.subarray(0, at), Buffer.alloc(200, mask)]);
          await fs.writeFile(target, contents);
          const again = await open(dir);
          await readBack(again);
          // The leader epoch is not covered by the CRC, so all batches remain readable.
          const ends = kind === 'flip' ? [expected, BigInt(sequenceOf(BATCHES))] : [expected];
          expect(ends).toContain(again.highWatermark);
          const next = makeRecordBatch([{ key: null, value: null }], 1n);
          await again.append(next, readBatchHeader(next));
          await again.abort();
          await fs.rm(dir, { recursive: true });
        },
      ),
      { numRuns: 60 },
    );
  });

  it.each(['index', 'timeindex', 'snapshot'])(
    'rebuilds a .%s file that is missing or wrong',
    async (suffix) => {
      const log = await open(folder);
      await fill(log);
      const recoveryPoint = log.highWatermark;
      await log.close();
      for (const [round, spoil] of [
        (file: string) => fs.rm(file),
        (file: string) => fs.writeFile(file, Buffer.alloc(25, 0xab)),
      ].entries()) {
        const names = (await fs.readdir(folder)).filter((name) => name.endsWith(`.${suffix}`));
        for (const name of names) await spoil(path.join(folder, name));
        const again = await open(folder, true, recoveryPoint);
        expect(await readBack(again)).toHaveLength(BATCHES + round);
        expect((await again.offsetAtTime(1005n))?.timestamp).toBe(1005n);
        await fill(again, BATCHES + round, BATCHES + round + 1);
        await again.close();
      }
    },
  );
});
