import { batchGroup, deadLetterTopic } from '@hailstream/events';
import type { DeadLetterEntry } from '@hailstream/log';

/**
 * Why a dead letter cannot be redriven; `undefined` if it can.
 *
 * @param partitionsOf the number of partitions of a topic; 0 if it does not exist
 */
export function redriveRefusal(
  entry: DeadLetterEntry,
  partitionsOf: (topic: string) => number,
): string | undefined {
  const { groupId, topic, partition } = entry;
  if (entry.redrivenMs !== undefined) return 'was redriven before';
  if (groupId === batchGroup) return 'batch loads its records again: npm run batch -- retry-rejects';
  if (entry.lastOffset !== undefined) return 'is a batch that cannot be decoded';
  if (entry.omittedValue || entry.omittedKey) return 'the record was too large to be kept';
  if (groupId === '') return 'the record left no space for the name of its consumer group';
  if (topic === deadLetterTopic.name) return 'is a record of the dead-letter topic';
  const partitions = partitionsOf(topic);
  if (partitions === 0) return `topic "${topic}" does not exist`;
  if (partition >= partitions) return `topic "${topic}" has no partition ${partition}`;
  return undefined;
}
