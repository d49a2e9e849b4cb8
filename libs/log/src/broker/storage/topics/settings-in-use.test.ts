import { describe, expect, it } from 'vitest';
import { BrokerConfig } from '../../config/config.js';
import { SettingsInUse } from './settings-in-use.js';

describe('SettingsInUse', () => {
  it('follows changes of topic and broker settings', () => {
    const config = new BrokerConfig({ 'log.segment.bytes': '5000000' });
    const settings = new SettingsInUse(config);
    const topic = { settings: {} };
    expect(settings.log(topic).segmentBytes).toBe(5_000_000);
    expect(settings.text(topic, 'cleanup.policy')).toBe('delete');

    config.alter({ own: { 'log.segment.bytes': '6000000' }, all: {} });
    expect(settings.log(topic).segmentBytes).toBe(6_000_000);

    topic.settings = { 'segment.bytes': '7000000', 'cleanup.policy': 'compact' };
    expect(settings.log(topic)).toMatchObject({ segmentBytes: 7_000_000, compacts: true });
    expect(settings.text(topic, 'cleanup.policy')).toBe('compact');
    expect(settings.log({ settings: {} }).compacts).toBe(false);
  });
});
