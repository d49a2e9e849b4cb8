import { describe, expect, it } from 'vitest';
import type { FileSystem } from '../../src/broker/index.js';
import { nodeFileSystem, type LogFile } from '../../src/broker/storage/files/file-system.js';
import { makeRecordBatch } from '../../src/protocol/records.js';
import { startTestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';
import { sampleRequests, SAMPLE_TOPIC } from './samples.js';

const PRODUCE = 0;
const FETCH = 1;
const METADATA = 3;
/** An inline read settles in fewer; one that ran on the thread pool needs a turn of the event loop. */
const MICROTASKS = 20;

async function settlesInline(result: Promise<unknown>): Promise<boolean> {
  let settled = false;
  const note = () => {
    settled = true;
  };
  void result.then(note, note);
  for (let i = 0; i < MICROTASKS && !settled; i++) await Promise.resolve();
  return settled;
}

/** The file system of this machine, and whether each read of a segment was inline. */
function recordingFiles(): { files: FileSystem; reads: Promise<boolean>[] } {
  const reads: Promise<boolean>[] = [];
  const files: FileSystem = {
    ...nodeFileSystem,
    async open(file, how) {
      const real = await nodeFileSystem.open(file, how);
      const recording: LogFile = {
        write: (buffers, position) => real.write(buffers, position),
        read(buffer, position, cached) {
          const result = real.read(buffer, position, cached);
          if (file.endsWith('.log') && file.includes(SAMPLE_TOPIC)) reads.push(settlesInline(result));
          return result;
        },
        sizeBytes: () => real.sizeBytes(),
        truncate: (sizeBytes) => real.truncate(sizeBytes),
        sync: () => real.sync(),
        close: () => real.close(),
      };
      return recording;
    },
  };
  return { files, reads };
}

describe('a fetch of records that were just appended', () => {
  it('reads them on the event loop thread, and others on the thread pool', async () => {
    const { files, reads } = recordingFiles();
    await using broker = await startTestBroker({ files });
    const samples = sampleRequests();
    using client = await RawClient.connect(broker.port);
    await client.call(METADATA, 6, samples['Metadata'] as object);
    const records = [makeRecordBatch([{ key: null, value: Buffer.from('value') }], 1n)];
    await client.call(PRODUCE, 9, {
      ...samples['Produce'],
      topics: [{ name: SAMPLE_TOPIC, partitions: [{ index: 0, records }] }],
    });
    reads.length = 0;
    await client.call(FETCH, 12, samples['Fetch'] as object);
    expect(reads.length).toBeGreaterThan(0);
    expect(new Set(await Promise.all(reads))).toEqual(new Set([true]));

    await broker.restart();
    reads.length = 0;
    using other = await RawClient.connect(broker.port);
    await other.call(FETCH, 12, samples['Fetch'] as object);
    expect(reads.length).toBeGreaterThan(0);
    expect(new Set(await Promise.all(reads))).toEqual(new Set([false]));
  });
});
