import { isDeepStrictEqual } from 'node:util';
import type { Admin, TopicIdentity } from './admin.js';
import { LogError } from './errors.js';

/** Which topics were deleted and created again while a consumer reads them: its positions are of another log then. */
export class TopicChanges {
  private readonly known = new Map<string, TopicIdentity>();

  constructor(private readonly admin: Pick<Admin, 'identities'>) {}

  /** Calls `onChanged` for each topic that is another one than at the last call; again next time if that throws. */
  async look(topics: readonly string[], onChanged: (topic: string) => Promise<void>): Promise<void> {
    for (const [topic, identity] of await this.identities(topics)) {
      const before = this.known.get(topic);
      if (before && !isDeepStrictEqual(before, identity)) await onChanged(topic);
      this.known.set(topic, identity);
    }
  }

  /** Nothing, of a cluster without topic ids. */
  private async identities(topics: readonly string[]): Promise<ReadonlyMap<string, TopicIdentity>> {
    try {
      return await this.admin.identities(topics);
    } catch (error) {
      if (error instanceof LogError && error.code === 'REFUSED') return new Map();
      throw error;
    }
  }
}
