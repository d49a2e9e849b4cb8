/*
 * DescribeLogDirs (key 35), versions 1-4.
 *
 * - One log directory, with the size of each partition.
 * - Topics null: all topics.
 *
 * 2 flexible · 3 error of the request · 4 bytes of the volume
 */
import { ErrorCode } from '../../protocol/error-codes.js';
import * as t from '../../protocol/schema.js';
import { defineHandler } from './handler.js';

const request = t.struct({
  topics: t.nullableArray(t.struct({ topic: t.string, partitions: t.array(t.int32) })),
});

const response = t.struct({
  throttleTimeMs: t.int32,
  errorCode: t.since(3, t.int16, 0),
  results: t.array(
    t.struct({
      errorCode: t.int16,
      logDir: t.string,
      topics: t.array(
        t.struct({
          name: t.string,
          partitions: t.array(
            t.struct({
              partitionIndex: t.int32,
              partitionSize: t.int64,
              offsetLag: t.int64,
              isFutureKey: t.boolean,
            }),
          ),
        }),
      ),
      totalBytes: t.since(4, t.int64, -1n),
      usableBytes: t.since(4, t.int64, -1n),
    }),
  ),
});

export const describeLogDirs = defineHandler({
  apiKey: 35,
  name: 'DescribeLogDirs',
  minVersion: 1,
  maxVersion: 4,
  flexibleFrom: 2,
  request,
  response,
  async handle({ topics }, { store }) {
    const asked =
      topics ??
      store.all().map(({ name, partitions }) => ({ topic: name, partitions: [...partitions.keys()] }));
    const known = asked.flatMap(({ topic, partitions }) => {
      const sizes = partitions.flatMap((partitionIndex) => {
        const log = store.topic(topic)?.partitions[partitionIndex];
        if (log === undefined) return [];
        return [{ partitionIndex, partitionSize: BigInt(log.sizeBytes), offsetLag: 0n, isFutureKey: false }];
      });
      return sizes.length === 0 ? [] : [{ name: topic, partitions: sizes }];
    });
    const { totalBytes, usableBytes } = await store.volume();
    return {
      throttleTimeMs: 0,
      errorCode: ErrorCode.NONE,
      results: [{ errorCode: ErrorCode.NONE, logDir: store.dataDir, topics: known, totalBytes, usableBytes }],
    };
  },
});
