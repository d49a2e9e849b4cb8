import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Type from 'typebox';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, readEnv } from './read-env.js';
import * as Env from './variables.js';

const schema = Type.Object({
  PORT: Env.Port(4000),
  EVERY: Env.Duration({ default: 1_000, maximum: 3_600_000 }),
  COUNT: Env.Int({ minimum: 1, maximum: 10 }),
  RATIO: Type.Optional(Type.Number({ minimum: 0, maximum: 1 })),
  ON: Env.Flag({ default: false }),
  BROKERS: Env.List({ default: ['127.0.0.1:9092'] }),
  LEVEL: Type.Enum(['info', 'warn'], { default: 'info' }),
  PASSWORD: Type.Optional(Env.Secret({ minLength: 8 })),
  DATABASE: Type.Optional(Env.SecretUrl('postgres')),
});

function issuesOf(env: NodeJS.ProcessEnv): Record<string, string> {
  try {
    readEnv(schema, env);
  } catch (error) {
    if (error instanceof ConfigError) {
      return Object.fromEntries(
        error.issues.map(({ variable, expected, got }) => [variable, `${expected}; ${got}`]),
      );
    }
    throw error;
  }
  return {};
}

describe(readEnv, () => {
  it('applies defaults and omits optional variables that are not set', () => {
    expect(readEnv(schema, { COUNT: '3' })).toEqual({
      PORT: 4000,
      EVERY: 1_000,
      COUNT: 3,
      ON: false,
      BROKERS: ['127.0.0.1:9092'],
      LEVEL: 'info',
    });
  });

  it('parses each variable to its type', () => {
    const env = {
      PORT: '0',
      EVERY: '15m',
      COUNT: ' 10 ',
      RATIO: '0.25',
      ON: 'true',
      BROKERS: 'a:1, b:2,',
      LEVEL: 'warn',
      PASSWORD: 'opensesame',
      DATABASE: 'postgres://u:p@h/d',
    };
    expect(readEnv(schema, env)).toEqual({
      ...env,
      PORT: 0,
      EVERY: 900_000,
      COUNT: 10,
      RATIO: 0.25,
      ON: true,
      BROKERS: ['a:1', 'b:2'],
    });
  });

  it.each([
    ['500ms', 500],
    ['60s', 60_000],
    ['1h', 3_600_000],
    ['250', 250],
  ])('reads the duration %s', (text, milliseconds) => {
    expect(readEnv(schema, { COUNT: '1', EVERY: text }).EVERY).toBe(milliseconds);
  });

  it('treats an empty variable as not set', () => {
    expect(readEnv(schema, { COUNT: '1', PORT: '', RATIO: ' ' })).toMatchObject({ PORT: 4000 });
    expect(issuesOf({ COUNT: '' })).toEqual({ COUNT: 'a whole number from 1 to 10; nothing' });
  });

  it('reports every invalid variable with the expected and the actual value', () => {
    expect(
      issuesOf({
        PORT: '65536',
        EVERY: '2 weeks',
        COUNT: '1e1',
        RATIO: '2',
        ON: 'yes',
        BROKERS: ',',
        LEVEL: 'loud',
      }),
    ).toEqual({
      PORT: 'a whole number from 0 to 65535; "65536"',
      EVERY: 'a duration such as 500ms, 60s or 15m from 0ms to 3600000ms; "2 weeks"',
      COUNT: 'a whole number from 1 to 10; "1e1"',
      RATIO: 'a number from 0 to 1; "2"',
      ON: 'true or false; "yes"',
      BROKERS: 'a comma-separated list; ","',
      LEVEL: 'one of info, warn; "loud"',
    });
  });

  it('never shows a secret', () => {
    const issues = issuesOf({ COUNT: '1', PASSWORD: 'hunter2', DATABASE: 'mysql://root:hunter2@db' });
    expect(issues).toEqual({
      PASSWORD: 'at least 8 characters; another value (not shown)',
      DATABASE: 'a URL that starts with postgres://; another value (not shown)',
    });
  });

  it('returns a frozen object', () => {
    expect(Object.isFrozen(readEnv(schema, { COUNT: '1' }))).toBe(true);
  });
});

describe('a secret in a file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'hailstream-env-'));
  afterAll(() => rmSync(folder, { recursive: true }));
  const file = (name: string, text: string): string => {
    const path = join(folder, name);
    writeFileSync(path, text);
    return path;
  };

  it('is read without the trailing newline', () => {
    const env = { COUNT: '1', PASSWORD: '', PASSWORD_FILE: file('password', 'opensesame\n') };
    expect(readEnv(schema, env)).toMatchObject({ PASSWORD: 'opensesame' });
  });

  it('is validated, and not shown', () => {
    expect(issuesOf({ COUNT: '1', PASSWORD_FILE: file('short', 'hunter2') })).toEqual({
      PASSWORD_FILE: 'at least 8 characters; another value (not shown)',
    });
  });

  it('must exist and must not be empty', () => {
    const missing = join(folder, 'missing');
    const empty = file('empty', '\n');
    const expected = 'the path of a file that holds the secret';
    expect(issuesOf({ COUNT: '1', PASSWORD_FILE: missing, DATABASE_FILE: empty })).toEqual({
      PASSWORD_FILE: `${expected}; "${missing}" (ENOENT)`,
      DATABASE_FILE: `${expected}; "${empty}" (empty)`,
    });
    expect(issuesOf({ COUNT: '1', PASSWORD_FILE: folder })).toEqual({
      PASSWORD_FILE: `${expected}; "${folder}" (EISDIR)`,
    });
  });

  it('must not be set in addition to the variable', () => {
    const path = file('other', 'opensesame');
    expect(issuesOf({ COUNT: '1', PASSWORD: 'correct horse', PASSWORD_FILE: path })).toEqual({
      PASSWORD_FILE: `no value, because PASSWORD is set; "${path}"`,
    });
  });

  it('is supported for secrets only', () => {
    expect(issuesOf({ COUNT_FILE: file('count', '3') })).toEqual({
      COUNT: 'a whole number from 1 to 10; nothing',
    });
  });
});
