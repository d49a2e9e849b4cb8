import { ConfigError } from '@hailstream/service/config';
import { describe, expect, it } from 'vitest';
import { loadConfig } from './config.js';

const DATABASE_URL = 'postgres://hailstream:secret@127.0.0.1:5432/hailstream';

describe('loadConfig', () => {
  it('requires only a database', () => {
    expect(loadConfig({ DATABASE_URL })).toMatchObject({
      http: { host: '127.0.0.1', port: 4002 },
      schedule: { kind: 'every', spanMs: 60_000 },
      load: { databaseUrl: DATABASE_URL, connection: { brokers: ['127.0.0.1:9092'], clientId: 'batch' } },
    });
  });

  it.each([
    [{}, 'DATABASE_URL'],
    [{ DATABASE_URL: 'mysql://x:secret@y/z' }, 'DATABASE_URL'],
    [{ DATABASE_URL, BATCH_EVERY: 'sometimes' }, 'BATCH_EVERY'],
    [{ DATABASE_URL, BATCH_CHUNK_RECORDS: '0' }, 'BATCH_CHUNK_RECORDS'],
    [{ DATABASE_URL, BATCH_RETENTION: 'telemetry=soon' }, 'BATCH_RETENTION'],
    [{ DATABASE_URL, BATCH_CITY: '/nowhere/city.geojson' }, 'BATCH_CITY'],
    [{ DATABASE_URL, HOST: '0.0.0.0' }, 'HOST'],
  ])('names the invalid variable of %o', (environment, variable) => {
    expect(() => loadConfig(environment)).toThrow(ConfigError);
    expect(() => loadConfig(environment)).toThrow(new RegExp(`^${variable}: expected `));
    expect(() => loadConfig(environment)).not.toThrow(/secret/);
  });
});
