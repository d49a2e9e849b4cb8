import { backoffMs, withJitter } from '@hailstream/service/backoff';
import { sleep } from '@hailstream/service/timers';
import type { Logger } from 'pino';
import { KafkaAdmin } from '../admin/kafka-admin.js';
import { TopicCompaction } from '../consumer/topic-compaction.js';
import { LogError } from '../core/errors.js';
import { RangeCluster } from './range-cluster.js';
import { END_CONFIRM_MS, UNKNOWN_TOPIC_MS } from './range-fetcher.js';
import { DEFAULTS, FetchingRangeRead } from './range-read.js';
import type { RangeRead, RangeReader, RangeReaderOptions, RangeRequest } from './range.js';
import { resolveRanges, type LedRange } from './resolve-ranges.js';

const REQUEST_TIMEOUT_MS = 10_000;
const DEFAULT_STALL_TIMEOUT_MS = 30_000;
const LOOK_UP_BACKOFF = { firstMs: 50, maxMs: 2_000 };

/** Creates a range reader. It connects with the first read, and again after an outage. */
export function createRangeReader(options: RangeReaderOptions): RangeReader {
  return new ClusterRangeReader(options);
}

/** A {@link RangeReader} with one client, whose connections all reads share. */
class ClusterRangeReader implements RangeReader {
  private readonly cluster: RangeCluster;
  private readonly admin: KafkaAdmin;
  private readonly compaction: TopicCompaction;
  private readonly logger: Logger;
  private readonly stallTimeoutMs: number;

  constructor({ connection, logger, stallTimeoutMs = DEFAULT_STALL_TIMEOUT_MS }: RangeReaderOptions) {
    this.logger = logger;
    this.stallTimeoutMs = stallTimeoutMs;
    this.cluster = new RangeCluster({ connection, logger, requestTimeoutMs: REQUEST_TIMEOUT_MS });
    this.admin = new KafkaAdmin({ connection, logger });
    this.compaction = new TopicCompaction(this.admin, logger);
  }

  async readRange(request: RangeRequest): Promise<RangeRead> {
    const { cluster, compaction, logger, stallTimeoutMs } = this;
    const ranges = await this.resolve(request);
    return new FetchingRangeRead({ request, ranges, cluster, compaction, logger, stallTimeoutMs });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cluster[Symbol.dispose]();
    await this.admin[Symbol.asyncDispose]();
  }

  private async resolve({
    ranges,
    isolation = DEFAULTS.isolation,
    signal,
  }: RangeRequest): Promise<LedRange[]> {
    const startedAt = performance.now();
    let truncatedSince: number | undefined;
    for (let retry = 0; ; retry += 1) {
      signal?.throwIfAborted();
      try {
        return await resolveRanges(ranges, this.cluster, isolation);
      } catch (error) {
        if (!(error instanceof LogError)) throw error;
        const now = performance.now();
        if (error.code === 'LOG_TRUNCATED') {
          truncatedSince ??= now;
          if (now - truncatedSince >= END_CONFIRM_MS) throw error;
        } else {
          const patienceMs = error.code === 'UNKNOWN_TOPIC' ? UNKNOWN_TOPIC_MS : this.stallTimeoutMs;
          if (!error.retryable || now - startedAt > patienceMs) throw error;
        }
        this.logger.debug({ err: error }, 'cannot look up the range, will retry');
        await sleep(withJitter(backoffMs(retry, LOOK_UP_BACKOFF)), signal);
      }
    }
  }
}
