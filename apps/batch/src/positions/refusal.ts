import type { TopicIdentity } from '@hailstream/log';
import type { InspectedPartition } from './inspect.js';
import type { Refusal } from './verdict.js';

/** Partitions that a message names at most. The others are counted. */
const MAX_NAMED = 12;

const MEANING: Readonly<Record<Refusal, string>> = {
  'other-cluster': 'the positions belong to another cluster',
  'other-topic': 'the positions belong to a topic of this name that was deleted and created again',
  'beyond-log-end':
    'positions are beyond the end of the log: it was truncated, or restored from an older copy',
  'other-record': 'the log has a different record at the offset of the last record that was loaded',
  'no-topic': 'the log has no such topic',
};

/** Describes, for each topic, why its positions are refused and which commands resolve it. */
export function describeRefusals(refused: readonly InspectedPartition[]): string {
  const topics = [...new Set(refused.map(({ topic }) => topic))];
  return topics.map((topic) => describeTopic(refused.filter((each) => each.topic === topic))).join('\n');
}

function describeTopic(refused: readonly InspectedPartition[]): string {
  const { topic, stored, present, verdict } = refused[0]!;
  const named = refused.slice(0, MAX_NAMED).map((each) => {
    const { partition, earliest, latest } = each;
    return `${partition} (position ${each.stored?.nextOffset ?? 'none'}, log ${earliest} to ${latest})`;
  });
  const others = refused.length > MAX_NAMED ? ` and ${refused.length - MAX_NAMED} more` : '';
  return [
    `topic "${topic}": ${MEANING[verdict as Refusal]}. No records are loaded, because continuing would skip records.`,
    `  positions belong to: ${describeIdentity(stored?.identity)}`,
    `  current log:         ${describeIdentity(present)}`,
    `  partitions: ${named.join(', ')}${others}`,
    `  To load the log from its first record (events that were loaded before are not loaded twice):`,
    `    npm run batch -- positions reset --topic ${topic} --to earliest`,
    `  To keep the positions, if the log has the same records at the same offsets (a copy):`,
    `    npm run batch -- positions adopt --topic ${topic}`,
  ].join('\n');
}

export function describeIdentity(identity: TopicIdentity | undefined): string {
  return identity === undefined
    ? 'an unknown log'
    : `cluster ${identity.clusterId}, topic id ${identity.topicId}`;
}
