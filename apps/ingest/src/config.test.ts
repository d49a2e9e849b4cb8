import { ConfigError } from '@hailstream/service/config';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './config.js';

describe(loadConfig, () => {
  it('needs nothing on a laptop', () => {
    expect(loadConfig({})).toEqual({
      logLevel: 'info',
      events: { maxAgeDays: 1_830 },
      http: { host: '127.0.0.1', port: 4000, bodyLimitBytes: 2_097_152 },
      auth: { kind: 'open' },
      log: {
        connection: { brokers: ['127.0.0.1:9092'], clientId: 'ingest' },
        topicPolicy: { missing: 'create', configs: {} },
        lingerMs: 2,
        compression: 'none',
        bufferBytes: 33_554_432,
        deliveryTimeoutMs: 3_000,
      },
    });
  });

  it.each([
    ['a port that is none', { PORT: '-1' }, 'PORT'],
    [
      'a wait that callers would not wait',
      { INGEST_LOG_DELIVERY_TIMEOUT_MS: '60000' },
      'INGEST_LOG_DELIVERY_TIMEOUT_MS',
    ],
    [
      'a buffer that the largest body does not fit in',
      { INGEST_LOG_BUFFER_BYTES: '4000000' },
      'INGEST_LOG_BUFFER_BYTES',
    ],
    ['being reachable by everyone', { HOST: '0.0.0.0' }, 'HOST'],
  ])('refuses %s', (_, env, variable) => {
    expect(() => loadConfig(env)).toThrow(ConfigError);
    expect(() => loadConfig(env)).toThrow(new RegExp(`^${variable}: expected .*, got `));
  });
});
