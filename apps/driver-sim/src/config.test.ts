import { ConfigError } from '@hailstream/service/config';
import { LOCAL_PROVIDER_ID } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { loadDriverSimConfig, loadReplayConfig } from './config.js';

describe(loadDriverSimConfig, () => {
  it('has a default for every variable', () => {
    const config = loadDriverSimConfig({}, []);
    expect(config.cities[0]?.name).toBe('Monaco');
    expect(config).toMatchObject({
      http: { host: '127.0.0.1', port: 4003, logLevel: 'info' },
      ingest: {
        url: new URL('http://127.0.0.1:4000'),
        token: undefined,
        tokenFile: undefined,
        providerId: LOCAL_PROVIDER_ID,
      },
      vehicles: 250,
      seed: 'hailstream',
    });
  });

  it('prefers arguments to the environment', () => {
    const env = { SIM_VEHICLES: '10', SIM_SEED: 'a' };
    expect(loadDriverSimConfig(env, ['--vehicles', '20'])).toMatchObject({ vehicles: 20, seed: 'a' });
  });

  it.each([
    [{ SIM_VEHICLES: '0', PROVIDER_ID: 'me' }, [], ['SIM_VEHICLES', 'PROVIDER_ID']],
    [{ CITY_FILE: '/nowhere/city.geojson' }, [], ['CITY_FILE']],
    [{}, ['--vehicle', '3'], ['arguments']],
    [{ HOST: '0.0.0.0' }, [], ['HOST']],
  ])('names every invalid variable of %j %j', (env, args, variables) => {
    let error: unknown;
    try {
      loadDriverSimConfig(env, args);
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toBeInstanceOf(ConfigError);
    expect((error as ConfigError).issues.map(({ variable }) => variable).toSorted()).toEqual(
      variables.toSorted(),
    );
  });
});

describe(loadReplayConfig, () => {
  it('does not show tokens in errors', () => {
    expect(loadReplayConfig({ INGEST_TOKEN: 'secret' }).ingest.token).toBe('secret');
    expect(() => loadReplayConfig({ INGEST_TOKEN: 'secret', INGEST_URL: 'ftp://x' })).toThrow(
      /^(?!.*secret)/,
    );
  });
});
