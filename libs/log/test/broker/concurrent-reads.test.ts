import { setImmediate } from 'node:timers/promises';
import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { readBatchHeader } from '../../src/protocol/record-batch.js';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { PartitionLog } from '../../src/broker/storage/partition/partition-log.js';
import { Disk } from '../proofs/power/disk.js';
import { Random } from '@hailstream/service/testing';

const ROUNDS = 200;
const READERS = 5;

async function openLog(compacts: boolean): Promise<PartitionLog> {
  const disk = new Disk(new Random(1));
  return PartitionLog.open({
    files: disk,
    folder: '/log-0',
    logger: pino({ level: 'silent' }),
    settings: () => ({
      segmentBytes: 1024,
      segmentMs: Infinity,
      retentionBytes: 2048,
      retentionMs: -1,
      flushMessages: Infinity,
      flushMs: 1000,
      timestampType: 'CreateTime',
      deletesOldSegments: !compacts,
      compacts,
      minCleanableRatio: 0,
      deleteRetentionMs: 0,
      minCompactionLagMs: 0,
      maxCompactionLagMs: Infinity,
      dedupeBufferBytes: 1 << 20,
    }),
    now: Date.now,
    recoveryPoint: 0n,
    closedCleanly: false,
    cleanedBefore: 0n,
    gapsBefore: 0n,
    logStartOffset: 0n,
  });
}

describe('a reader', () => {
  it.each([
    ['compacted', true],
    ['removed', false],
  ])('succeeds while the segment that it reads is %s', async (_, compacts) => {
    const log = await openLog(compacts);
    let done = false;
    let reads = 0;
    const readOn = async () => {
      while (!done) {
        const { logStartOffset: start, highWatermark: end } = log;
        const [bytes] = await log.read(start, 10_000, true);
        if (bytes === undefined) expect(end).toBe(start);
        else expect(readBatchHeader(bytes).lastOffset).toBeGreaterThanOrEqual(start);
        await log.offsetAtTime(1n);
        reads++;
        // The files are in memory, so other tasks run only if the loop yields.
        await setImmediate();
      }
    };
    const readers = Array.from({ length: READERS }, readOn);
    const tended = (async () => {
      for (let i = 0; i < ROUNDS; i++) {
        const batch = makeRecordBatch(
          [{ key: Buffer.from(`k${i % 3}`), value: Buffer.alloc(200) }],
          BigInt(i),
        );
        await log.append(batch, readBatchHeader(batch));
        await (compacts ? log.compact(new AbortController().signal) : log.applyRetention());
      }
    })();
    await Promise.race([tended, Promise.all(readers)]);
    done = true;
    await Promise.all(readers);
    expect(reads).toBeGreaterThan(0);
    await log.close();
  });
});
