import { pino } from 'pino';
import { RateLimitedLogger } from '@hailstream/service/rate-limited-logger';
import { BrokerConfig } from '../../../src/broker/config/config.js';
import { GroupCoordinator } from '../../../src/broker/groups/coordinator.js';
import { batchSizeBytes, readBatchHeader } from '../../../src/protocol/record-batch.js';
import { recordsOf } from '../../../src/protocol/records.js';
import { pooledFiles } from '../../../src/broker/storage/files/file-pool.js';
import { LogStore } from '../../../src/broker/storage/topics/log-store.js';
import type { PartitionLog } from '../../../src/broker/storage/partition/partition-log.js';
import { ProducerIds } from '../../../src/broker/storage/producers/producer-ids.js';
import type { Disk } from './disk.js';

export const DATA_DIR = '/data';
const READ_BYTES = 1 << 20;
/** Fewer than the number of partitions, so that files are continuously closed and reopened. */
const FEW_FILES = 3;
const NO_OBSERVER = { synced: () => undefined, failed: () => undefined, wrote: () => undefined };

/** A record as it was read. */
export interface ReadRecord {
  readonly offset: bigint;
  readonly key: string;
  /** Null for a tombstone. */
  readonly value: string | null;
}

/** The components of the broker that store data, without the network. */
export class System {
  private constructor(
    readonly store: LogStore,
    readonly coordinator: GroupCoordinator,
    readonly ids: ProducerIds,
  ) {}

  /** @param logFiles maximum number of open files */
  static async open(disk: Disk, now: () => number, logFiles = FEW_FILES): Promise<System> {
    // A requested flush is due at any time.
    const config = new BrokerConfig({ 'log.flush.interval.ms': '0' });
    const logger = pino({ level: 'silent' });
    const limitedLogger = new RateLimitedLogger(logger);
    await disk.makeFolder(DATA_DIR);
    await disk.syncFolder('/');
    const budget = { limit: Infinity, logFiles, sockets: Infinity };
    const files = pooledFiles(disk, { budget, observer: NO_OBSERVER });
    const store = await LogStore.open({ files, dataDir: DATA_DIR, config, logger, limitedLogger, now });
    const coordinator = await GroupCoordinator.open({ store, config, logger, now });
    return new System(store, coordinator, await ProducerIds.open(files, DATA_DIR));
  }

  /** Shuts down gracefully, or ends like a killed process. */
  async end(how: 'stop' | 'kill'): Promise<void> {
    this.coordinator.close();
    await (how === 'stop' ? this.store.close() : this.store.abort());
  }
}

/**
 * Every record that a log serves, from its start to its end.
 * @throws Error if it cannot be read to its end
 */
export async function readAll(log: PartitionLog): Promise<ReadRecord[]> {
  const records: ReadRecord[] = [];
  let offset = log.logStartOffset;
  while (offset < log.highWatermark) {
    const bytes = Buffer.concat(await log.read(offset, READ_BYTES, true));
    // Compaction may have emptied the end of every segment except the last.
    if (bytes.length === 0) break;
    for (let at = 0; at < bytes.length; at += batchSizeBytes(bytes, at)) {
      const header = readBatchHeader(bytes, at);
      for (const record of recordsOf(bytes.subarray(at, at + header.sizeBytes))) {
        const place = header.baseOffset + BigInt(record.offsetDelta);
        // Batches are served whole and may start before the requested offset.
        if (place < log.logStartOffset) continue;
        records.push({
          offset: place,
          key: record.key?.toString() ?? '',
          value: record.value?.toString() ?? null,
        });
      }
      if (header.lastOffset < offset)
        throw new Error(`requested offset ${offset}, received ${header.lastOffset}`);
      offset = header.lastOffset + 1n;
    }
  }
  return records;
}
