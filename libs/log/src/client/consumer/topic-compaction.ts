import type { Logger } from 'pino';
import type { KafkaAdmin } from '../admin/kafka-admin.js';
import { LogError } from '../core/errors.js';

/** How long an answer is valid: the topic's configuration may change. */
const MAX_AGE_MS = 60_000;

interface Answer {
  readonly isCompacted: boolean;
  readonly receivedAtMs: number;
}

/** What is known of one topic's compaction. */
export interface CompactionStatus {
  /** `undefined` if there is no recent answer. */
  readonly known: boolean | undefined;
  /**
   * Returns the recent answer, or asks the cluster.
   *
   * @throws LogError if the cluster does not answer, retryable
   */
  ask(): Promise<boolean>;
}

/** Whether topics are compacted, so that offsets may be missing in them. The cluster is asked at the first missing offset. */
export class TopicCompaction {
  private readonly answers = new Map<string, Answer>();

  constructor(
    private readonly admin: Pick<KafkaAdmin, 'configs'>,
    private readonly logger: Logger,
  ) {}

  of(topic: string): CompactionStatus {
    const known = (): boolean | undefined => {
      const answer = this.answers.get(topic);
      const isRecent = answer !== undefined && performance.now() - answer.receivedAtMs < MAX_AGE_MS;
      return isRecent ? answer.isCompacted : undefined;
    };
    return {
      get known() {
        return known();
      },
      ask: async () => known() ?? (await this.ask(topic)),
    };
  }

  private async ask(topic: string): Promise<boolean> {
    const isCompacted = await this.read(topic);
    this.answers.set(topic, { isCompacted, receivedAtMs: performance.now() });
    return isCompacted;
  }

  /** A client that may not describe the topic reports a false gap rather than missing a real one. */
  private async read(topic: string): Promise<boolean> {
    try {
      const configs = await this.admin.configs(topic);
      return (configs.get('cleanup.policy') ?? '').includes('compact');
    } catch (error) {
      if (error instanceof LogError && error.retryable) throw error;
      this.logger.warn({ err: error, topic }, 'cannot read whether the topic is compacted');
      return false;
    }
  }
}
