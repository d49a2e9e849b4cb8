import { isDeepStrictEqual } from 'node:util';
import type { Admin, TopicIdentity } from '../admin/admin.js';

/** Which topics were deleted and created again while a consumer reads them: its positions are of another log then. */
export class TopicChanges {
  private readonly known = new Map<string, TopicIdentity>();

  constructor(private readonly admin: Pick<Admin, 'identities'>) {}

  /** Calls `onChanged` for each topic that is another one than at the last call; again next time if that throws. @throws LogError */
  async look(topics: readonly string[], onChanged: (topic: string) => Promise<void>): Promise<void> {
    for (const [topic, identity] of await this.admin.identities(topics)) {
      const before = this.known.get(topic);
      if (before && !isDeepStrictEqual(before, identity)) await onChanged(topic);
      this.known.set(topic, identity);
    }
  }
}
