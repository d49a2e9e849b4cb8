import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import Type from 'typebox';
import { describe, expect, it } from 'vitest';
import {
  authEnv,
  databaseEnv,
  httpEnv,
  logEnv,
  toAuth,
  toDatabaseUrl,
  kafkaSecurityEnv,
  toKafkaSecurity,
  toLogConnection,
  toTopicPolicy,
} from './groups.js';
import { ConfigError, readEnv } from './read-env.js';

const SECRET = 'a secret of at least 32 characters';
const ORIGIN = { AUTH_JWT_ISSUER: 'https://id.example', AUTH_JWT_AUDIENCE: 'hailstream' };
const schema = Type.Object({ ...httpEnv(4000), ...logEnv, ...authEnv });
const read = (env: NodeJS.ProcessEnv) => readEnv(schema, env);

function variablesIn(action: () => unknown): string[] {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.issues.map(({ variable }) => variable);
    throw error;
  }
  return [];
}

describe(toAuth, () => {
  it.each(['127.0.0.1', '127.8.8.8', '::1', 'localhost'])(
    'disables authentication on %s without a key',
    (HOST) => {
      expect(toAuth(read({ HOST }))).toEqual({ kind: 'open' });
    },
  );

  it.each(['0.0.0.0', '::', '10.0.0.1', 'ingest.example', '127.0.0.1.example'])(
    'requires a key on %s',
    (HOST) => {
      expect(variablesIn(() => toAuth(read({ HOST })))).toEqual(['HOST']);
      expect(toAuth(read({ HOST, AUTH_JWT_SECRET: SECRET }))).toEqual({ kind: 'secret', secret: SECRET });
    },
  );

  it('accepts a public key in PEM format, also on one line', () => {
    const { publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    expect(toAuth(read({ AUTH_JWT_PUBLIC_KEY: pem, ...ORIGIN }))).toMatchObject({ kind: 'public-key' });
    const inOneLine = pem.replaceAll('\n', '\\n');
    expect(toAuth(read({ AUTH_JWT_PUBLIC_KEY: inOneLine, ...ORIGIN }))).toMatchObject({ kind: 'public-key' });
    expect(variablesIn(() => toAuth(read({ AUTH_JWT_PUBLIC_KEY: 'a key', ...ORIGIN })))).toEqual([
      'AUTH_JWT_PUBLIC_KEY',
    ]);
  });

  const pemOf = (key: KeyObject): string =>
    key.export({ type: key.type === 'private' ? 'pkcs8' : 'spki', format: 'pem' }).toString();
  it.each([
    ['RSA of 2048 bits', () => generateKeyPairSync('rsa', { modulusLength: 2_048 })],
    ['P-521', () => generateKeyPairSync('ec', { namedCurve: 'P-521' })],
    ['Ed25519', () => generateKeyPairSync('ed25519')],
  ])('accepts a public key of %s, and rejects its private key', (_, generate) => {
    const { publicKey, privateKey } = generate();
    const auth = (key: KeyObject) => toAuth(read({ AUTH_JWT_PUBLIC_KEY: pemOf(key), ...ORIGIN }));
    expect(auth(publicKey)).toMatchObject({ kind: 'public-key' });
    expect(() => auth(privateKey)).toThrow(
      /^AUTH_JWT_PUBLIC_KEY: expected .*, got a private key \(not shown\)$/,
    );
  });

  it.each([
    ['an RSA key of 1024 bits', () => generateKeyPairSync('rsa', { modulusLength: 1_024 })],
    ['a key of the curve secp256k1', () => generateKeyPairSync('ec', { namedCurve: 'secp256k1' })],
    ['a key of the type x25519', () => generateKeyPairSync('x25519')],
  ])('rejects %s as public key', (got, generate) => {
    const env = read({ AUTH_JWT_PUBLIC_KEY: pemOf(generate().publicKey), ...ORIGIN });
    expect(() => toAuth(env)).toThrow(new RegExp(`^AUTH_JWT_PUBLIC_KEY: expected .*, got ${got}$`));
  });

  it('rejects two kinds of keys', () => {
    const env = read({ AUTH_JWKS_URL: 'https://id.example/jwks', AUTH_JWT_SECRET: SECRET });
    expect(variablesIn(() => toAuth(env))).toEqual(['AUTH_JWT_SECRET']);
  });

  it('requires issuer and audience with keys of an identity provider', () => {
    const key = { AUTH_JWKS_URL: 'https://id.example/jwks' };
    expect(
      toAuth(read({ ...key, AUTH_JWT_ISSUER: 'https://id.example', AUTH_JWT_AUDIENCE: 'a, b' })),
    ).toEqual({
      kind: 'jwks',
      url: 'https://id.example/jwks',
      issuer: 'https://id.example',
      audience: ['a', 'b'],
    });
    expect(variablesIn(() => toAuth(read(key)))).toEqual(['AUTH_JWT_ISSUER', 'AUTH_JWT_AUDIENCE']);
    expect(() => toAuth(read(key))).toThrow('required with AUTH_JWKS_URL');
    expect(variablesIn(() => toAuth(read({ ...key, AUTH_JWT_ISSUER: 'x' })))).toEqual(['AUTH_JWT_AUDIENCE']);
  });

  it('limits failures, and requires addresses of proxies', () => {
    const env = {
      AUTH_JWT_SECRET: SECRET,
      AUTH_FAILURES_PER_SECOND: '5',
      AUTH_TRUSTED_PROXIES: '10.0.0.0/8,::1',
    };
    expect(toAuth(read(env)).failures).toEqual({ perSecond: 5, trustedProxies: ['10.0.0.0/8', '::1'] });
    const invalid = { AUTH_JWT_SECRET: SECRET, AUTH_TRUSTED_PROXIES: '10.0.0.0/8,proxy' };
    expect(variablesIn(() => toAuth(read(invalid)))).toEqual(['AUTH_TRUSTED_PROXIES']);
  });

  it('has the claim of the roles', () => {
    const env = { AUTH_JWT_SECRET: SECRET, AUTH_ROLE_CLAIM: 'roles' };
    expect(toAuth(read(env))).toEqual({ kind: 'secret', secret: SECRET, roleClaim: 'roles' });
  });

  it('rejects an issuer with a secret, because it would not be checked', () => {
    const env = read({ AUTH_JWT_SECRET: SECRET, AUTH_JWT_ISSUER: 'https://id.example' });
    expect(variablesIn(() => toAuth(env))).toEqual(['AUTH_JWT_ISSUER']);
  });

  it.each([
    ['https://id.example/jwks', true],
    ['http://127.0.0.1:8080/jwks', true],
    ['http://[::1]:8080/jwks', true],
    ['http://localhost/jwks', true],
    ['http://id.example/jwks', false],
    ['http://127.0.0.1.example/jwks', false],
    ['http://localhost@id.example/jwks', false],
    ['http://', false],
  ])('accepts the key set URL %s: %s', (AUTH_JWKS_URL, isAccepted) => {
    const variables = variablesIn(() => toAuth(read({ AUTH_JWKS_URL, ...ORIGIN })));
    expect(variables).toEqual(isAccepted ? [] : ['AUTH_JWKS_URL']);
  });

  it('rejects a secret that is too short for HS256', () => {
    expect(variablesIn(() => read({ AUTH_JWT_SECRET: 'short' }))).toEqual(['AUTH_JWT_SECRET']);
  });
});

describe(toLogConnection, () => {
  it('has neither TLS nor SASL by default', () => {
    expect(toLogConnection(read({}), { clientId: 'test' })).toEqual({
      brokers: ['127.0.0.1:9092'],
      clientId: 'test',
    });
  });

  it('has TLS and SASL if they are configured', () => {
    const env = read({
      KAFKA_BROKERS: 'a:9092,b:9092',
      KAFKA_CLIENT_ID: 'me',
      KAFKA_SSL: 'true',
      KAFKA_SASL_MECHANISM: 'scram-sha-256',
      KAFKA_SASL_USERNAME: 'u',
      KAFKA_SASL_PASSWORD: 'p',
    });
    expect(toLogConnection(env, { clientId: 'test' })).toEqual({
      brokers: ['a:9092', 'b:9092'],
      clientId: 'me',
      ssl: true,
      sasl: { mechanism: 'scram-sha-256', username: 'u', password: 'p' },
    });
  });

  it('names missing variables, unreadable files and malformed addresses', () => {
    const env = read({ KAFKA_SASL_USERNAME: 'u', KAFKA_SSL_CA: '/nowhere/ca.pem' });
    expect(variablesIn(() => toLogConnection(env, { clientId: 'test' }))).toEqual([
      'KAFKA_SSL_CA',
      'KAFKA_SASL_MECHANISM',
      'KAFKA_SASL_PASSWORD',
    ]);
    expect(variablesIn(() => read({ KAFKA_BROKERS: 'a:9092,b' }))).toEqual(['KAFKA_BROKERS']);
  });
});

describe(toKafkaSecurity, () => {
  it('reads the variables with the prefix only', () => {
    const env = { ...kafkaSecurity('KAFKA_', 'one'), ...kafkaSecurity('TARGET_KAFKA_', 'other') };
    const schema = Type.Object({ ...kafkaSecurityEnv('KAFKA_'), ...kafkaSecurityEnv('TARGET_KAFKA_') });
    expect(toKafkaSecurity(readEnv(schema, env), 'TARGET_KAFKA_')).toEqual({
      sasl: { mechanism: 'scram-sha-512', username: 'other', password: 'password of other' },
    });
  });

  it('names missing variables with the prefix', () => {
    expect(variablesIn(() => toKafkaSecurity({ TARGET_KAFKA_SASL_USERNAME: 'u' }, 'TARGET_KAFKA_'))).toEqual([
      'TARGET_KAFKA_SASL_MECHANISM',
      'TARGET_KAFKA_SASL_PASSWORD',
    ]);
  });

  function kafkaSecurity(prefix: string, username: string): NodeJS.ProcessEnv {
    return {
      [`${prefix}SASL_MECHANISM`]: 'scram-sha-512',
      [`${prefix}SASL_USERNAME`]: username,
      [`${prefix}SASL_PASSWORD`]: `password of ${username}`,
    };
  }
});

describe(toTopicPolicy, () => {
  it('creates topics with the defaults of the cluster unless configured otherwise', () => {
    expect(toTopicPolicy(read({}))).toEqual({ missing: 'create', configs: {} });
    expect(
      toTopicPolicy(
        read({
          LOG_TOPICS: 'check',
          LOG_REPLICATION_FACTOR: '3',
          LOG_TOPIC_CONFIGS: 'min.insync.replicas=2, retention.ms=1000,x=a=b',
        }),
      ),
    ).toEqual({
      missing: 'check',
      replicationFactor: 3,
      configs: { 'min.insync.replicas': '2', 'retention.ms': '1000', x: 'a=b' },
    });
  });

  it('rejects invalid values', () => {
    for (const [name, value] of Object.entries({
      LOG_TOPICS: 'ask',
      LOG_TOPIC_PREFIX: 'acme/',
      LOG_REPLICATION_FACTOR: '0',
      LOG_TOPIC_CONFIGS: 'retention.ms',
    })) {
      expect(variablesIn(() => read({ [name]: value }))).toEqual([name]);
    }
  });

  it('adds the topic prefix', () => {
    expect(toLogConnection(read({ LOG_TOPIC_PREFIX: 'acme.' }), { clientId: 'test' })).toMatchObject({
      topicPrefix: 'acme.',
    });
  });
});

describe(toDatabaseUrl, () => {
  const urlOf = (env: NodeJS.ProcessEnv): string => toDatabaseUrl(readEnv(Type.Object(databaseEnv), env));

  it.each([
    ['unchanged', { DATABASE_URL: 'postgres://u:p@h/d' }, 'postgres://u:p@h/d'],
    ['without a password', { DATABASE_URL: 'postgres://u@h/d' }, 'postgres://u@h/d'],
    [
      'with DATABASE_PASSWORD, escaped',
      { DATABASE_URL: 'postgres://u@h:5433/d?sslmode=require', DATABASE_PASSWORD: 'p/@:%25+' },
      'postgres://u:p%2F%40%3A%2525%2B@h:5433/d?sslmode=require',
    ],
    [
      'with its own password instead of DATABASE_PASSWORD',
      { DATABASE_URL: 'postgres://u:own@h/d', DATABASE_PASSWORD: 'other' },
      'postgres://u:own@h/d',
    ],
  ])('returns the URL %s', (_, env, url) => {
    expect(urlOf(env)).toBe(url);
  });

  it('rejects an invalid URL without printing it', () => {
    const env = { DATABASE_URL: 'postgres://u:hunter2@h:port/d' };
    expect(variablesIn(() => urlOf(env))).toEqual(['DATABASE_URL']);
    expect(() => urlOf(env)).not.toThrow(/hunter2/);
  });
});
