import { expect, it } from 'vitest';
import { startTestBroker } from '../../src/testing.js';
import { LogUnderTest } from '../scenarios/log-under-test.js';

it('a static member keeps its assignment after the broker was killed', async () => {
  await using broker = await startTestBroker();
  using before = new LogUnderTest([broker.address]);
  const group = await before.group();
  const { b } = await group.withTwo(['a', 'b']);
  await broker.restart();
  using after = new LogUnderTest([broker.address]);
  const found = await after.group(group.name);
  const again = await found.member('b');
  expect(await again.join()).toMatchObject({ error: 'NONE', generationId: b.generationId });
  expect(await again.sync()).toBe('part of b');
  expect((await found.describe()).groupState).toBe('Stable');
});
