import { describe, expect, it } from 'vitest';
import { BrokerConfig } from '../config/config.js';
import { SettingError } from '../config/settings/settings.js';
import { checkExposure } from './exposure.js';

const OPEN = new BrokerConfig();
const ELSEWHERE = ['0.0.0.0', '::', '192.168.1.7', '2001:db8::1', '128.0.0.1', 'broker.example', ''];

describe('checkExposure', () => {
  it.each(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1', 'localhost'])(
    'allows %s without authentication',
    (host) => {
      expect(() => checkExposure(host, OPEN)).not.toThrow();
    },
  );

  it.each(ELSEWHERE)('rejects an open broker on "%s"', (host) => {
    expect(() => checkExposure(host, OPEN)).toThrow(SettingError);
    expect(() => checkExposure(host, new BrokerConfig({ 'listener.security.protocol': 'SSL' }))).toThrow(
      SettingError,
    );
  });

  it.each(ELSEWHERE)('allows a broker with authentication on "%s"', (host) => {
    for (const settings of [
      { 'listener.security.protocol': 'SASL_PLAINTEXT' },
      { 'listener.security.protocol': 'SASL_SSL' },
      { 'listener.security.protocol': 'SSL', 'ssl.client.auth': 'required' },
    ]) {
      expect(() => checkExposure(host, new BrokerConfig(settings))).not.toThrow();
    }
  });
});
