import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BrokerConfig } from '../../src/broker/config/config.js';
import { BROKER_SETTINGS } from '../../src/broker/config/settings/broker-settings.js';
import type { SettingDefinition } from '../../src/broker/config/settings/settings.js';
import { startTestBroker } from '../../src/testing.js';
import { RawClient } from './raw-client.js';

const LONGEST = '9223372036854775807';
/** Node's warning about a timer that fires immediately because its delay is too long. */
const OVERFLOW = 'TimeoutOverflowWarning';

let warnings: Error[];
const note = (warning: Error) => void warnings.push(warning);

beforeEach(() => {
  warnings = [];
  process.on('warning', note);
});
afterEach(() => {
  process.off('warning', note);
});

describe('settings in milliseconds', () => {
  it("may have Kafka's largest values, and no timer fires early", async () => {
    const long = Object.entries<SettingDefinition>(BROKER_SETTINGS)
      .filter(([name, { type, oneOf }]) => name.endsWith('.ms') && type === 'long' && oneOf === undefined)
      .map(([name]) => [name, LONGEST]);
    const settings = Object.fromEntries(long) as Record<string, string>;
    expect(Object.keys(settings)).toContain('offsets.retention.check.interval.ms');
    {
      await using broker = await startTestBroker({ settings });
      using client = await RawClient.connect(broker.port);
      await client.call(3, 6, { topics: [{ name: 'rides' }], allowAutoTopicCreation: true });
      await client.call(8, 5, {
        groupId: 'g',
        generationId: -1,
        memberId: '',
        groupInstanceId: null,
        topics: [],
      });
    }
    // Node emits warnings in the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    expect(warnings.filter(({ name }) => name === OVERFLOW)).toEqual([]);
  });

  it.each(['9223372036854775808', '-9223372036854775809', '9999999999999999999'])(
    'are refused above 64 bits: %s',
    (value) => {
      expect(() => new BrokerConfig({ 'log.roll.ms': value })).toThrow(/log.roll.ms must be a/);
    },
  );
});
