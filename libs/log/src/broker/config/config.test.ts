import { describe, expect, it } from 'vitest';
import { BROKER_SETTINGS } from './settings/broker-settings.js';
import { BrokerConfig, checkTopicSettings, ConfigSource, topicEntries, topicSetting } from './config.js';
import { whyForeign } from './settings/foreign-settings.js';
import type { SettingDefinition } from './settings/settings.js';

describe(BrokerConfig, () => {
  it.each([
    ['num.partition', /unknown setting num\.partition: did you mean num\.partitions\?$/],
    ['frobnicate', /unknown setting frobnicate$/],
    ['authorizer.class.name', /is not supported: authorization is configured with acl\.file/],
    ['listener.name.internal.ssl.keystore.location', /the broker has one listener/],
    ['toString', /unknown setting toString/],
  ])('rejects %s with the reason', (name, message) => {
    expect(() => new BrokerConfig({ [name]: 'x' })).toThrow(message);
  });

  it('reports all invalid settings at once, one per line', () => {
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
        "num.partitions must be at least 1, got '0'",
        "log.roll.jitter.ms must be 0, got '5': segments are rolled without jitter",
        "node.id must be a whole number, got 'me'",
      ].join('\n'),
    );
  });

  it('ignores settings without effect, with the reason', () => {
    const config = new BrokerConfig({
      'num.network.threads': '3',
      'controller.quorum.voters': '1@localhost:9093',
      'num.partitions': '3',
    });
    expect(config.withoutEffect).toEqual({
      'num.network.threads': 'the broker has one thread',
      'controller.quorum.voters': 'the cluster has one broker',
    });
    expect(config.number('num.partitions')).toBe(3);
  });

  it('prefers altered settings of this broker to those of all brokers, and both to those at start', () => {
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
    expect(() => config.alter({ own: { 'num.partitions': '3' }, all: {} })).toThrow(/at run time/);
  });

  it('has valid defaults', () => {
    const input = Object.entries<SettingDefinition>(BROKER_SETTINGS).map(([name, definition]) => [
      name,
      definition.default,
    ]);
    expect(() => new BrokerConfig(Object.fromEntries(input) as Record<string, string>)).not.toThrow();
  });

  it('defines each setting once', () => {
    const foreign = Object.keys(BROKER_SETTINGS).filter((name) => whyForeign(name)?.withoutEffect === true);
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
  ])('use the finest unit that is set: %j', (given: Record<string, string>, ms) => {
    expect(topicSetting(new BrokerConfig(given), {}, 'retention.ms')).toBe(ms);
  });

  it('roll by hours if milliseconds are not set', () => {
    expect(topicSetting(new BrokerConfig({ 'log.roll.hours': '2' }), {}, 'segment.ms')).toBe('7200000');
    expect(
      topicSetting(new BrokerConfig({ 'log.roll.hours': '2', 'log.roll.ms': '5' }), {}, 'segment.ms'),
    ).toBe('5');
  });

  it('have sources', () => {
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
      "compression.type must be one of producer, uncompressed, gzip, snappy, lz4, zstd, got 'brotli'",
    ],
    [
      'remote.storage.enable',
      'true',
      "remote.storage.enable must be false, got 'true': tiered storage is not supported",
    ],
    ['retention.ms', '-2', "retention.ms must be at least -1, got '-2'"],
    ['min.cleanable.dirty.ratio', '1.5', "min.cleanable.dirty.ratio must be at most 1, got '1.5'"],
    ['min.insync.replicas', '0', "min.insync.replicas must be at least 1, got '0'"],
    ['cleanup.policy', 'none', "cleanup.policy must be a list of delete, compact, got 'none'"],
  ])('are rejected if invalid: %s=%s', (name, value, message) => {
    expect(() => checkTopicSettings({ [name]: value })).toThrow(message);
  });

  it('accept settings without effect', () => {
    expect(() =>
      checkTopicSettings({ preallocate: 'true', 'index.interval.bytes': '100', 'file.delete.delay.ms': '0' }),
    ).not.toThrow();
  });
});
