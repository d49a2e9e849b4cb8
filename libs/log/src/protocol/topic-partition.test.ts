import { expect, it } from 'vitest';
import { partitionName } from './topic-partition.js';

it('is the same as in Kafka, and different for each partition', () => {
  expect(partitionName('ride.trips', 3)).toBe('ride.trips-3');
  expect(partitionName('a', -1)).not.toBe(partitionName('a-', 1));
});
