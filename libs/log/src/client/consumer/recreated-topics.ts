import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import type { Admin, TopicIdentity } from '../admin/admin.js';
import { isRetryable } from '../core/errors.js';

/** Detects topics that are deleted and created again while a consumer reads them. */
export class RecreatedTopics {
  private readonly known = new Map<string, TopicIdentity>();
  private isRefusalReported = false;

  constructor(
    private readonly admin: Pick<Admin, 'identities'>,
    private readonly logger: Logger,
  ) {}

  /**
   * Calls `onRecreated` for each topic that was recreated since the last call. If that fails, the next call reports the
   * topic again. A cluster that refuses to return topic ids is reported with one warning.
   */
  async check(topics: readonly string[], onRecreated: (topic: string) => Promise<void>): Promise<void> {
    try {
      for (const [topic, identity] of await this.admin.identities(topics)) {
        const before = this.known.get(topic);
        if (before && !isDeepStrictEqual(before, identity)) await onRecreated(topic);
        this.known.set(topic, identity);
      }
    } catch (error) {
      // Probably an outage; the next check follows within seconds.
      const level = isRetryable(error) || this.isRefusalReported ? 'debug' : 'warn';
      if (!isRetryable(error)) this.isRefusalReported = true;
      this.logger[level]({ err: error, topics }, 'cannot detect topics that are deleted and created again');
    }
  }
}
