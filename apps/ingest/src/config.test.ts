import { ConfigError } from '@hailstream/service/config';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './config.js';

describe(loadConfig, () => {
  it('has a default for every variable', () => {
    expect(loadConfig({})).toEqual({
      logLevel: 'info',
      workers: 1,
      events: { maxAgeDays: 1_830 },
      http: {
        host: '127.0.0.1',
        port: 4000,
        bodyLimitBytes: 2_097_152,
        connections: { total: 20_000, perAddress: 10_000 },
      },
      admission: {
        providerRate: null,
        providerShare: 0.5,
        bodiesBytes: 134_217_728,
        logBufferBytes: 33_554_432,
        maxQueueingMs: 2_000,
      },
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
    ['one process', {}, { perSecond: 100, burst: 1_000 }],
    ['workers, each with its part', { INGEST_WORKERS: '4' }, { perSecond: 25, burst: 250 }],
    ['a burst', { INGEST_PROVIDER_BURST_EVENTS: '300', INGEST_WORKERS: '2' }, { perSecond: 50, burst: 150 }],
  ])('has the rate of a provider for %s', (_, env, rate) => {
    const config = loadConfig({ INGEST_PROVIDER_EVENTS_PER_SECOND: '100', ...env });
    expect(config.admission.providerRate).toEqual(rate);
  });

  it.each([
    ['an invalid port', { PORT: '-1' }, 'PORT'],
    [
      'a delivery timeout above the maximum',
      { INGEST_LOG_DELIVERY_TIMEOUT_MS: '60000' },
      'INGEST_LOG_DELIVERY_TIMEOUT_MS',
    ],
    [
      'a buffer that is too small for the largest body',
      { INGEST_LOG_BUFFER_BYTES: '4000000' },
      'INGEST_LOG_BUFFER_BYTES',
    ],
    [
      'memory that is too small for the largest body',
      { INGEST_HTTP_BODIES_BYTES: '4000000' },
      'INGEST_HTTP_BODIES_BYTES',
    ],
    ['a public address without authentication', { HOST: '0.0.0.0' }, 'HOST'],
  ])('refuses %s', (_, env, variable) => {
    expect(() => loadConfig(env)).toThrow(ConfigError);
    expect(() => loadConfig(env)).toThrow(new RegExp(`^${variable}: expected .*, got `));
  });
});
