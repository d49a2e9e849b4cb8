import type { Logger } from 'pino';
import type { KafkajsAdmin } from '../admin/kafka-admin.js';
import type { CompactionKnowledge } from './partition-reader.js';

/** How long an answer is good for: somebody may change the topic. */
const MAX_AGE_MS = 60_000;

interface Answer {
  readonly isCompacted: boolean;
  readonly askedAtMs: number;
}

/** Which topics are compacted, so that offsets may be missing in them. Asked for only once some are. */
export class TopicCompaction {
  private readonly answers = new Map<string, Answer>();

  constructor(
    private readonly admin: KafkajsAdmin,
    private readonly logger: Logger,
  ) {}

  of(topic: string): CompactionKnowledge {
    const known = (): boolean | undefined => {
      const answer = this.answers.get(topic);
      const isFresh = answer !== undefined && performance.now() - answer.askedAtMs < MAX_AGE_MS;
      return isFresh ? answer.isCompacted : undefined;
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
    this.answers.set(topic, { isCompacted, askedAtMs: performance.now() });
    return isCompacted;
  }

  /** A client that may not see the settings learns of a gap too much rather than of one too few. */
  private async read(topic: string): Promise<boolean> {
    try {
      const configs = await this.admin.configs(topic);
      return (configs.get('cleanup.policy') ?? '').includes('compact');
    } catch (error) {
      this.logger.warn({ err: error, topic }, 'cannot read whether the topic is compacted');
      return false;
    }
  }
}
