import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import { LogError } from '../core/errors.js';
import { TopicCompaction } from './topic-compaction.js';

const logger = pino({ level: 'silent' });

/** The compaction of a topic whose configuration is read with these results, one after the other. */
function compactionOf(...results: readonly (string | LogError)[]) {
  const left = [...results];
  const configs = async () => {
    const next = left.shift();
    if (next instanceof LogError) throw next;
    return new Map(next === undefined ? [] : [['cleanup.policy', next]]);
  };
  return new TopicCompaction({ configs }, logger).of('places');
}

describe(TopicCompaction, () => {
  it('asks the cluster once', async () => {
    const compaction = compactionOf('compact,delete', 'delete');
    expect(compaction.known).toBeUndefined();
    expect(await compaction.ask()).toBe(true);
    expect(await compaction.ask()).toBe(true);
    expect(compaction.known).toBe(true);
  });

  it('asks again after an outage', async () => {
    const outage = new LogError('UNAVAILABLE', 'connection refused', true);
    const compaction = compactionOf(outage, 'compact');
    await expect(compaction.ask()).rejects.toBe(outage);
    expect(compaction.known).toBeUndefined();
    expect(await compaction.ask()).toBe(true);
  });

  it('assumes that the topic is not compacted if the client may not describe it', async () => {
    const compaction = compactionOf(new LogError('REFUSED', 'TOPIC_AUTHORIZATION_FAILED', false));
    expect(await compaction.ask()).toBe(false);
  });
});
