import * as fs from 'node:fs/promises';
import * as os from 'node:os';
import * as path from 'node:path';
import { until } from '@hailstream/service/testing';
import { describe, expect, it } from 'vitest';
import { nodeFileSystem } from '../../src/broker/storage/files/file-system.js';
import type { FileSystem } from '../../src/broker/index.js';
import { startTestBroker } from '../../src/testing.js';
import { RawClient, request } from './raw-client.js';
import { sampleRequests, SAMPLE_TOPIC } from './samples.js';

const PRODUCE = 0;
const METADATA = 3;
const SAME_TIME = 20;

/** Counts syncs of the sample topic's log, and delays them on request. */
function countingDisk() {
  let pending: Promise<void> | undefined;
  const disk = {
    syncs: 0,
    /** Opened index files of the sample topic. */
    indexes: [] as string[],
    /** Files that were replaced as a whole. */
    replaced: [] as string[],
    release: () => undefined as void,
    hold: () => {
      pending = new Promise((resolve) => {
        disk.release = () => {
          pending = undefined;
          resolve();
        };
      });
    },
    files: {
      ...nodeFileSystem,
      replaceFile(file: string, contents: Buffer | string) {
        disk.replaced.push(path.basename(file));
        return nodeFileSystem.replaceFile(file, contents);
      },
      async open(file: string) {
        const real = await nodeFileSystem.open(file);
        if (file.includes(SAMPLE_TOPIC) && file.endsWith('index')) disk.indexes.push(file);
        if (!file.includes(SAMPLE_TOPIC) || !file.endsWith('.log')) return real;
        const sync = real.sync.bind(real);
        real.sync = async () => {
          disk.syncs++;
          await pending;
          await sync();
        };
        return real;
      },
    } satisfies FileSystem,
  };
  return disk;
}

describe('flush.messages=1', () => {
  it('responds to producers after a sync, which concurrent requests share', async () => {
    const disk = countingDisk();
    await using broker = await startTestBroker({
      files: disk.files,
      settings: { 'log.flush.interval.messages': '1' },
    });
    const samples = sampleRequests();
    using client = await RawClient.connect(broker.port);
    await client.call(METADATA, 6, samples['Metadata'] as object);
    disk.hold();
    let answered = 0;
    for (let i = 0; i < SAME_TIME; i++) client.send(request(PRODUCE, 7, i, samples['Produce'] as object));
    const answers = (async () => {
      for (; answered < SAME_TIME; answered++) await client.frame();
    })();
    await until(() => disk.syncs > 0);
    expect(answered).toBe(0);
    disk.release();
    await answers;
    expect(disk.syncs).toBeLessThan(SAME_TIME / 2);
  });

  it('is not the default: a background sync runs within flush.ms', async () => {
    const disk = countingDisk();
    await using broker = await startTestBroker({ files: disk.files });
    const samples = sampleRequests();
    using client = await RawClient.connect(broker.port);
    await client.call(METADATA, 6, samples['Metadata'] as object);
    disk.hold();
    await client.call(PRODUCE, 7, samples['Produce'] as object);
    await until(() => disk.syncs > 0);
    disk.release();
    expect(disk.syncs).toBe(1);
  });
});

describe('the background sync', () => {
  it('runs although the clock was set back by a day', async () => {
    const disk = countingDisk();
    let nowMs = Date.now();
    await using broker = await startTestBroker({ files: disk.files, now: () => nowMs });
    const samples = sampleRequests();
    using client = await RawClient.connect(broker.port);
    await client.call(METADATA, 6, samples['Metadata'] as object);
    await client.call(PRODUCE, 7, samples['Produce'] as object);
    nowMs -= 86_400_000;
    await until(() => disk.syncs > 0);
  });

  it('does not write the indexes of the active segment, which a clean shutdown does', async () => {
    const disk = countingDisk();
    await using broker = await startTestBroker({ files: disk.files });
    const samples = sampleRequests();
    using client = await RawClient.connect(broker.port);
    await client.call(METADATA, 6, samples['Metadata'] as object);
    for (let syncs = 1; syncs <= 2; syncs++) {
      await client.call(PRODUCE, 7, samples['Produce'] as object);
      await until(() => disk.syncs === syncs);
    }
    expect(disk.indexes).toEqual([]);
    await broker.stop();
    expect(disk.indexes.map((file) => path.extname(file))).toEqual(['.index', '.timeindex', '.txnindex']);
  });
});

describe('a start', () => {
  it('writes checkpoints only if they differ: none after a clean shutdown', async () => {
    const disk = countingDisk();
    const dataDir = await fs.mkdtemp(path.join(os.tmpdir(), 'hailstream-start-'));
    const checkpoints = () => disk.replaced.splice(0).filter((file) => file.includes('checkpoint'));
    {
      await using broker = await startTestBroker({ dataDir, files: disk.files });
      using client = await RawClient.connect(broker.port);
      const samples = sampleRequests();
      await client.call(METADATA, 6, samples['Metadata'] as object);
      await client.call(PRODUCE, 7, samples['Produce'] as object);
    }
    expect(checkpoints()).toHaveLength(4);
    {
      await using broker = await startTestBroker({ dataDir, files: disk.files });
      expect(checkpoints()).toEqual([]);
      await broker.restart();
      // What was synced before the kill is not known.
      expect(checkpoints()).toEqual(['recovery-point-offset-checkpoint']);
    }
    await fs.rm(dataDir, { recursive: true });
  });
});
