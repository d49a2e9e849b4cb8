import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { ProduceMessage, ProduceMessages } from './produce.js';

type Group = (options: {
  readonly topic: string;
  readonly partitionMetadata: readonly unknown[];
  readonly messages: readonly ProduceMessage[];
  readonly partitioner: (options: { readonly message: ProduceMessage }) => number;
}) => Record<string, readonly ProduceMessage[]>;

const require = createRequire(import.meta.url);
const groupMessages = require('kafkajs/src/producer/groupMessagesPerPartition.js') as Group;

describe(ProduceMessages, () => {
  it('is grouped by kafkajs as an array is, each partition in order', () => {
    const list = Array.from(
      { length: 50 },
      (_, index) => new ProduceMessage(null, null, [], index, index % 3),
    );
    const options = {
      topic: 'points',
      partitionMetadata: [{}, {}, {}],
      partitioner: ({ message }: { readonly message: ProduceMessage }) => message.partition,
    };
    const messages = new ProduceMessages();
    messages.push(...list);
    const expected = groupMessages({ ...options, messages: list });
    expect(groupMessages({ ...options, messages })).toEqual(expected);
    expect(expected['2']).toHaveLength(16);
  });
});
