import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { repositoryRoot } from '../repository.js';
import { childEnvironment, type ProcessName } from './child-environment.js';

const processes: readonly ProcessName[] = [
  'broker',
  'postgres',
  'ingest',
  'realtime',
  'batch',
  'router',
  'driverSim',
];

/** Secrets, and the processes that need them. */
const secrets: readonly (readonly [string, readonly ProcessName[]])[] = [
  ['AUTH_JWT_SECRET', ['ingest', 'realtime', 'batch', 'router']],
  ['AUTH_JWT_SECRET_FILE', ['ingest', 'realtime', 'batch', 'router']],
  ['AUTH_OIDC_CLIENT_SECRET', ['realtime']],
  ['AUTH_SESSION_SECRET', ['realtime']],
  ['KAFKA_SASL_PASSWORD', ['ingest', 'realtime', 'batch', 'router']],
  ['DATABASE_URL', ['batch']],
  ['DATABASE_PASSWORD', ['batch']],
  ['PGPASSWORD', ['batch']],
  ['INGEST_TOKEN', ['driverSim']],
  ['INGEST_TOKEN_FILE', ['driverSim']],
  ['AWS_SECRET_ACCESS_KEY', ['router']],
  ['OPENSEARCH_PASSWORD', ['router']],
  ['WEBHOOK_SECRET', ['router']],
  ['TARGET_KAFKA_SASL_PASSWORD', ['router']],
  ['NPM_TOKEN', []],
  ['NODE_AUTH_TOKEN', []],
  ['GITHUB_TOKEN', []],
];

describe(childEnvironment, () => {
  it.each(secrets)('passes %s only to %j', (variable, needed) => {
    const given = processes.filter((name) => variable in childEnvironment(name, { [variable]: 'x' }));
    expect(given).toEqual(needed);
  });

  it('passes what every program needs', () => {
    const env = { PATH: '/bin', LC_ALL: 'C', NODE_OPTIONS: '--trace-warnings' };
    for (const name of processes) expect(childEnvironment(name, { ...env, OTHER: 'x' })).toEqual(env);
  });

  it('passes each documented setting to a process', () => {
    const example = readFileSync(join(repositoryRoot, '.env.example'), 'utf8').split(
      '# --- docker compose',
    )[0]!;
    const variables = [...example.matchAll(/^# ([A-Z][A-Z0-9_]+)=/gm)].map(([, variable = '']) => variable);
    expect(variables.length).toBeGreaterThan(50);
    for (const variable of variables) {
      const env = { [variable]: 'x' };
      expect(
        processes.filter((name) => variable in childEnvironment(name, env)),
        variable,
      ).not.toEqual([]);
    }
  });
});
