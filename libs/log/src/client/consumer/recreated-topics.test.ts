import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { TopicIdentity } from '../admin/admin.js';
import { LogError } from '../core/errors.js';
import { RecreatedTopics } from './recreated-topics.js';

const clusterId = 'cluster';

/** A detector whose cluster answers with the topic ids given, or the error; and what it reported. */
function detector() {
  const logged: { level: number; msg: string }[] = [];
  const logger = pino({ level: 'debug' }, { write: (line) => void logged.push(JSON.parse(line)) });
  let answer: string | LogError = 'A';
  const identities = async (): Promise<ReadonlyMap<string, TopicIdentity>> => {
    if (answer instanceof LogError) throw answer;
    return new Map([['rides', { clusterId, topicId: answer }]]);
  };
  const topics = new RecreatedTopics({ identities }, logger);
  const recreated: string[] = [];
  const check = async (
    next: string | LogError,
    onRecreated = async (topic: string) => void recreated.push(topic),
  ) => {
    answer = next;
    await topics.check(['rides'], onRecreated);
  };
  return { check, recreated, levels: () => logged.map(({ level }) => pino.levels.labels[level]) };
}

describe('RecreatedTopics', () => {
  it('reports a topic whose id has changed, once', async () => {
    const { check, recreated } = detector();
    for (const id of ['A', 'A', 'B', 'B']) await check(id);
    expect(recreated).toEqual(['rides']);
  });

  it('reports it again if the repair failed', async () => {
    const { check, recreated } = detector();
    await check('A');
    await check('B', async () => {
      throw new LogError('UNAVAILABLE', 'no broker', true);
    });
    await check('B');
    expect(recreated).toEqual(['rides']);
  });

  it('warns once that the cluster refuses topic ids', async () => {
    const { check, levels } = detector();
    const refusal = new LogError('REFUSED', 'the cluster has no id of topic "rides"', false);
    for (let round = 0; round < 3; round += 1) await check(refusal);
    expect(levels()).toEqual(['warn', 'debug', 'debug']);
  });

  it('does not warn of an outage', async () => {
    const { check, levels } = detector();
    await check(new LogError('UNAVAILABLE', 'no broker', true));
    expect(levels()).toEqual(['debug']);
  });
});
