import { describe, expect, it } from 'vitest';
import { BROKER_SETTINGS } from './broker-settings.js';
import { BrokerConfig, checkTopicSettings, ConfigSource, topicEntries, topicSetting } from './config.js';
import { whyForeign } from './foreign-settings.js';
import type { SettingDefinition } from './settings.js';

describe(BrokerConfig, () => {
  it.each([
    [
      'num.partition',
      /num\.partition is not a setting of this broker, nor of Kafka's: did you mean num\.partitions\?$/,
    ],
    ['frobnicate', /frobnicate is not a setting of this broker, nor of Kafka's$/],
    [
      'authorizer.class.name',
      /a setting of Kafka's that this broker does not have: there is no authorization$/,
    ],
    ['listener.name.internal.ssl.keystore.location', /there is one listener/],
    ['toString', /toString is not a setting/],
  ])('says of %s what is wrong with it', (name, message) => {
    expect(() => new BrokerConfig({ [name]: 'x' })).toThrow(message);
  });

  it('says all that is wrong at once, a line each', () => {
    expect(
      () =>
        new BrokerConfig({
          'num.partitions': '0',
          'log.roll.jitter.ms': '5',
          'node.id': 'me',
          'broker.rack': 'a',
        }),
    ).toThrow(
      [
        "num.partitions must be at least 1, not '0'",
        "log.roll.jitter.ms must be 0, not '5': segments begin when they are due",
        "node.id must be a whole number, not 'me'",
      ].join('\n'),
    );
  });

  it('passes over what is set for brokers that are many or have threads, and knows why', () => {
    const config = new BrokerConfig({
      'num.network.threads': '3',
      'controller.quorum.voters': '1@localhost:9093',
      'num.partitions': '3',
    });
    expect(config.passedOver).toEqual({
      'num.network.threads': 'there are no threads to share out',
      'controller.quorum.voters': 'there is one broker, and nothing between brokers',
    });
    expect(config.number('num.partitions')).toBe(3);
  });

  it('puts what was altered for this broker before what was for all, and both before the start', () => {
    const config = new BrokerConfig({ 'message.max.bytes': '1000' });
    config.alter({
      own: { 'message.max.bytes': '3000' },
      all: { 'message.max.bytes': '2000', 'log.roll.ms': '5' },
    });
    const entry = config.entries().find(({ name }) => name === 'message.max.bytes');
    expect(entry).toMatchObject({ value: '3000', source: ConfigSource.DYNAMIC_BROKER });
    expect(entry?.layers.map(({ value, source }) => [value, source])).toEqual([
      ['3000', ConfigSource.DYNAMIC_BROKER],
      ['2000', ConfigSource.DYNAMIC_DEFAULT_BROKER],
      ['1000', ConfigSource.STATIC_BROKER],
      ['1048588', ConfigSource.DEFAULT],
    ]);
    config.alter({ own: {}, all: { 'message.max.bytes': '2000' } });
    expect(config.number('message.max.bytes')).toBe(2000);
    expect(() => config.alter({ own: { 'num.partitions': '3' }, all: {} })).toThrow(/while the broker runs/);
  });

  it('has defaults that it would itself accept', () => {
    const given = Object.entries<SettingDefinition>(BROKER_SETTINGS).map(([name, definition]) => [
      name,
      definition.default,
    ]);
    expect(() => new BrokerConfig(Object.fromEntries(given) as Record<string, string>)).not.toThrow();
  });

  it('knows no setting twice', () => {
    const foreign = Object.keys(BROKER_SETTINGS).filter((name) => whyForeign(name)?.passedOver === true);
    expect(foreign).toEqual([]);
  });
});

describe('settings of topics', () => {
  it.each([
    [{}, String(168 * 3_600_000)],
    [{ 'log.retention.hours': '2' }, '7200000'],
    [{ 'log.retention.hours': '2', 'log.retention.minutes': '3' }, '180000'],
    [{ 'log.retention.hours': '2', 'log.retention.minutes': '3', 'log.retention.ms': '4' }, '4'],
    [{ 'log.retention.hours': '-1' }, '-1'],
    [{ 'log.retention.ms': '-1', 'log.retention.hours': '2' }, '-1'],
  ])('are kept by the finest unit that is set: %j', (given: Record<string, string>, ms) => {
    expect(topicSetting(new BrokerConfig(given), {}, 'retention.ms')).toBe(ms);
  });

  it('roll by hours where milliseconds are not set', () => {
    expect(topicSetting(new BrokerConfig({ 'log.roll.hours': '2' }), {}, 'segment.ms')).toBe('7200000');
    expect(
      topicSetting(new BrokerConfig({ 'log.roll.hours': '2', 'log.roll.ms': '5' }), {}, 'segment.ms'),
    ).toBe('5');
  });

  it('say where they come from', () => {
    const config = new BrokerConfig({ 'log.retention.hours': '2' });
    const entries = topicEntries(config, { 'segment.bytes': '2048' });
    const find = (name: string) => entries.find((entry) => entry.name === name);
    expect(find('segment.bytes')).toMatchObject({
      value: '2048',
      source: ConfigSource.TOPIC,
      layers: [{ name: 'segment.bytes' }, { name: 'log.segment.bytes', source: ConfigSource.DEFAULT }],
    });
    expect(find('retention.ms')).toMatchObject({ value: '7200000', source: ConfigSource.STATIC_BROKER });
    expect(find('preallocate')).toMatchObject({ value: 'false', source: ConfigSource.DEFAULT });
  });

  it.each([
    ['no.such', '1', 'Unknown topic config name: no.such'],
    [
      'compression.type',
      'brotli',
      "compression.type must be one of producer, uncompressed, gzip, snappy, lz4, zstd, not 'brotli'",
    ],
    [
      'remote.storage.enable',
      'true',
      "remote.storage.enable must be false, not 'true': there is no tiered storage",
    ],
    ['retention.ms', '-2', "retention.ms must be at least -1, not '-2'"],
    ['min.cleanable.dirty.ratio', '1.5', "min.cleanable.dirty.ratio must be at most 1, not '1.5'"],
    ['min.insync.replicas', '0', "min.insync.replicas must be at least 1, not '0'"],
    ['cleanup.policy', 'none', "cleanup.policy must be a list of delete, compact, not 'none'"],
  ])('are refused where they would not hold: %s=%s', (name, value, message) => {
    expect(() => checkTopicSettings({ [name]: value })).toThrow(message);
  });

  it('take what Kafka has and one node needs not', () => {
    expect(() =>
      checkTopicSettings({ preallocate: 'true', 'index.interval.bytes': '100', 'file.delete.delay.ms': '0' }),
    ).not.toThrow();
  });
});
