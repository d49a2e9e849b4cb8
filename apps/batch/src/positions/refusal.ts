import type { TopicIdentity } from '@hailstream/log';
import type { InspectedPartition } from './inspect.js';
import type { Refusal } from './verdict.js';

/** Partitions that a message names, at most: the rest is counted. */
const MAX_NAMED = 12;

const MEANING: Readonly<Record<Refusal, string>> = {
  'other-cluster': 'the positions were made with another cluster',
  'other-topic': 'the positions were made with another topic of this name: it was deleted and created again',
  'beyond-log-end':
    'positions are beyond the end of the log: the log lost its end, or it is a copy of an earlier state',
  'other-record': 'the last record that was loaded is not at its offset any more: the log is another one',
  'no-topic': 'the log has no such topic',
};

/** Says of each topic what is wrong with its positions, and which commands resolve it. */
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
    `topic "${topic}": ${MEANING[verdict as Refusal]}. Nothing is loaded, as records would be skipped.`,
    `  positions are of: ${describeIdentity(stored?.identity)}`,
    `  the log is now:   ${describeIdentity(present)}`,
    `  partitions: ${named.join(', ')}${others}`,
    `  To load the log from its first record (an event that was loaded before is not loaded twice):`,
    `    npm run batch -- positions reset --topic ${topic} --to earliest`,
    `  To keep the positions, if the log has the same records at the same offsets (a copy):`,
    `    npm run batch -- positions adopt --topic ${topic}`,
  ].join('\n');
}

export function describeIdentity(identity: TopicIdentity | undefined): string {
  return identity === undefined ? 'not known' : `cluster ${identity.clusterId}, topic id ${identity.topicId}`;
}
