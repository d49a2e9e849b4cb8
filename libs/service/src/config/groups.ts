import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFileSync } from 'node:fs';
import Type from 'typebox';
import { isNetwork } from '../net/client-address.js';
import { isLoopback, isProtectedUrl } from '../net/loopback.js';
import type { AuthOptions, TokenOrigin } from '../tokens/token-verifier.js';
import { ConfigError, type ConfigIssue } from './read-env.js';
import { Flag, Int, List, Port, Secret, SecretUrl, Url } from './variables.js';

/** HS256 requires a key at least as long as its hash: 256 bits. */
const MIN_SECRET_CHARS = 32;

/** RS256 and PS256 require a key of at least this size. @see RFC 7518, sections 3.3 and 3.5 */
const MIN_RSA_BITS = 2_048;
/** The curves of ES256, ES384 and ES512, by OpenSSL's names. */
const SIGNING_CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1']);
const PUBLIC_KEY = `a public key in PEM: RSA of at least ${MIN_RSA_BITS} bits, P-256, P-384, P-521 or Ed25519`;

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

const SASL_MECHANISMS = ['plain', 'scram-sha-256', 'scram-sha-512'] as const;
type SaslMechanism = (typeof SASL_MECHANISMS)[number];

/** Listen address and log level; spread into the schema of an app. */
export function httpEnv(defaultPort: number) {
  return {
    HOST: Type.String({ default: '127.0.0.1' }),
    PORT: Port(defaultPort),
    LOG_LEVEL: Type.Enum<LogLevel[]>([...LOG_LEVELS], { default: 'info' }),
  };
}

const securitySchemas = {
  SSL_CA: Type.Optional(Type.String()),
  SSL_CERT: Type.Optional(Type.String()),
  SSL_KEY: Type.Optional(Type.String()),
  SASL_MECHANISM: Type.Optional(Type.Enum<SaslMechanism[]>([...SASL_MECHANISMS])),
  SASL_USERNAME: Type.Optional(Type.String()),
  SASL_PASSWORD: Type.Optional(Secret()),
};
type SecuritySchemas = typeof securitySchemas;
type SecurityEnv = Type.Static<Type.TObject<SecuritySchemas>>;

/**
 * TLS and SASL of connections to a Kafka cluster, in variables that start with a prefix; spread into the schema of an app and
 * converted by {@link toKafkaSecurity}.
 */
export function kafkaSecurityEnv<P extends string>(prefix: P) {
  return Object.fromEntries(
    Object.entries(securitySchemas).map(([name, schema]) => [`${prefix}${name}`, schema]),
  ) as { [N in keyof SecuritySchemas as `${P}${N}`]: SecuritySchemas[N] };
}

/** Connection to the log; spread into the schema of an app and converted by {@link toLogConnection}. */
export const logEnv = {
  KAFKA_BROKERS: List({
    default: ['127.0.0.1:9092'],
    pattern: '^.+:[0-9]{1,5}$',
    description: 'host:port[,host:port…]',
  }),
  KAFKA_CLIENT_ID: Type.Optional(Type.String()),
  KAFKA_SSL: Flag({ default: false }),
  ...kafkaSecurityEnv('KAFKA_'),
  LOG_TOPICS: Type.Enum<TopicSettings['missing'][]>(['create', 'check'], { default: 'create' }),
  LOG_TOPIC_PREFIX: Type.Optional(
    Type.String({
      pattern: '^[a-zA-Z0-9._-]{1,100}$',
      description: '1 to 100 characters of a-z, A-Z, 0-9, ".", "_" and "-"',
    }),
  ),
  LOG_REPLICATION_FACTOR: Type.Optional(Int({ minimum: 1, maximum: 32_767 })),
  LOG_TOPIC_CONFIGS: Type.Optional(
    List({ pattern: '^[a-z.]+=.+$', description: 'name=value[,name=value…]' }),
  ),
};
type LogEnv = Type.Static<Type.TObject<typeof logEnv>>;

/** TLS and SASL, in the shape of `LogConnection` of `@hailstream/log`. */
interface KafkaSecurity {
  readonly ssl?: boolean | { readonly ca?: string; readonly cert?: string; readonly key?: string };
  readonly sasl?: { readonly mechanism: SaslMechanism; readonly username: string; readonly password: string };
}

/** The connection to the log, in the shape of `LogConnection` of `@hailstream/log`. */
interface LogSettings extends KafkaSecurity {
  readonly brokers: readonly string[];
  readonly clientId: string;
  readonly topicPrefix?: string;
}

/** How missing topics are handled, in the shape of `TopicPolicy` of `@hailstream/log`. */
interface TopicSettings {
  readonly missing: 'create' | 'check';
  readonly replicationFactor?: number;
  readonly configs: Readonly<Record<string, string>>;
}

/**
 * Authentication: at most one kind of key, and the issuer and audience with keys of an identity provider. Spread into the
 * schema of an app and converted by {@link toAuth}.
 */
export const authEnv = {
  AUTH_JWKS_URL: Type.Optional(Url()),
  AUTH_JWT_PUBLIC_KEY: Type.Optional(Type.String()),
  AUTH_JWT_SECRET: Type.Optional(Secret({ minLength: MIN_SECRET_CHARS })),
  AUTH_JWT_ISSUER: Type.Optional(Type.String()),
  AUTH_JWT_AUDIENCE: Type.Optional(List({ description: 'name[,name…]' })),
  AUTH_ROLE_CLAIM: Type.Optional(Type.String()),
  AUTH_FAILURES_PER_SECOND: Type.Optional(Int({ minimum: 1 })),
  AUTH_TRUSTED_PROXIES: Type.Optional(List({ description: 'address[,address/bits…]' })),
};
type AuthEnv = Type.Static<Type.TObject<typeof authEnv>>;

/** Connection to Postgres; spread into the schema of an app and converted by {@link toDatabaseUrl}. */
export const databaseEnv = {
  DATABASE_URL: SecretUrl('postgres', 'postgresql'),
  DATABASE_PASSWORD: Type.Optional(Secret()),
};
type DatabaseEnv = Type.Static<Type.TObject<typeof databaseEnv>>;

/**
 * Connection URL of Postgres, including the password. A password in the URL takes precedence over `DATABASE_PASSWORD`, as
 * in libpq.
 *
 * @throws ConfigError if `DATABASE_URL` is invalid
 */
export function toDatabaseUrl({ DATABASE_URL, DATABASE_PASSWORD }: DatabaseEnv): string {
  if (!URL.canParse(DATABASE_URL)) {
    const expected = 'a URL such as postgres://user:password@host:5432/database';
    throw new ConfigError([{ variable: 'DATABASE_URL', expected, got: 'another value (not shown)' }]);
  }
  const url = new URL(DATABASE_URL);
  if (DATABASE_PASSWORD === undefined || url.password !== '') return DATABASE_URL;
  url.password = encodeURIComponent(DATABASE_PASSWORD);
  return url.href;
}

/**
 * The connection to the log. Reads the PEM files.
 *
 * @throws ConfigError if a file cannot be read, or if only some of the KAFKA_SASL_ variables are set
 */
export function toLogConnection(env: LogEnv, defaults: { clientId: string }): LogSettings {
  return {
    brokers: env.KAFKA_BROKERS,
    clientId: env.KAFKA_CLIENT_ID ?? defaults.clientId,
    ...(env.LOG_TOPIC_PREFIX !== undefined && { topicPrefix: env.LOG_TOPIC_PREFIX }),
    ...(env.KAFKA_SSL && { ssl: true }),
    ...toKafkaSecurity(env, 'KAFKA_'),
  };
}

/**
 * TLS and SASL, from the variables of {@link kafkaSecurityEnv} with the same prefix. Reads the PEM files.
 *
 * @returns without `ssl` if no PEM file is set, and without `sasl` if none of its variables is
 * @throws ConfigError if a file cannot be read, or if only some of the SASL variables are set
 */
export function toKafkaSecurity(env: Readonly<Record<string, unknown>>, prefix: string): KafkaSecurity {
  const values: SecurityEnv = Object.fromEntries(
    Object.keys(securitySchemas).map((name) => [name, env[prefix + name]]),
  );
  const issues: ConfigIssue[] = [];
  const ssl = toSsl(values, prefix, issues);
  const sasl = toSasl(values, prefix, issues);
  if (issues.length > 0) throw new ConfigError(issues);
  return { ...(ssl && { ssl }), ...(sasl && { sasl }) };
}

/** Whether missing topics are created or only checked, and with which settings. */
export function toTopicPolicy(env: LogEnv): TopicSettings {
  const configs = (env.LOG_TOPIC_CONFIGS ?? []).map((entry) => {
    const [name = '', ...value] = entry.split('=');
    return [name, value.join('=')] as const;
  });
  return {
    missing: env.LOG_TOPICS,
    ...(env.LOG_REPLICATION_FACTOR !== undefined && { replicationFactor: env.LOG_REPLICATION_FACTOR }),
    configs: Object.fromEntries(configs),
  };
}

function toSsl(values: SecurityEnv, prefix: string, issues: ConfigIssue[]): KafkaSecurity['ssl'] {
  const pem = (name: 'SSL_CA' | 'SSL_CERT' | 'SSL_KEY'): string | undefined => {
    const path = values[name];
    if (path === undefined) return undefined;
    try {
      return readFileSync(path, 'utf8');
    } catch (error) {
      const reason = (error as NodeJS.ErrnoException).code ?? 'unreadable';
      issues.push({
        variable: prefix + name,
        expected: 'the path of a PEM file',
        got: `${JSON.stringify(path)} (${reason})`,
      });
      return undefined;
    }
  };
  const ca = pem('SSL_CA');
  const cert = pem('SSL_CERT');
  const key = pem('SSL_KEY');
  if (ca === undefined && cert === undefined && key === undefined) return undefined;
  return { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
}

function toSasl(values: SecurityEnv, prefix: string, issues: ConfigIssue[]): KafkaSecurity['sasl'] {
  const parts = ['SASL_MECHANISM', 'SASL_USERNAME', 'SASL_PASSWORD'] as const;
  const missing = parts.filter((name) => values[name] === undefined);
  if (missing.length === parts.length) return undefined;
  for (const name of missing) {
    issues.push({
      variable: prefix + name,
      expected: `a value, because another ${prefix}SASL_ variable is set`,
      got: 'nothing',
    });
  }
  const { SASL_MECHANISM: mechanism, SASL_USERNAME: username, SASL_PASSWORD: password } = values;
  return mechanism && username && password ? { mechanism, username, password } : undefined;
}

/**
 * Authentication of a service that listens on `HOST`.
 *
 * @throws ConfigError if more than one kind of key is set, a key is invalid, the issuer or audience is missing, a trusted proxy
 * is not an address, or `HOST` is not a loopback address and no key is set
 */
export function toAuth(env: AuthEnv & { readonly HOST: string }): AuthOptions {
  return { ...toKey(env), ...toFailureLimit(env) };
}

function toFailureLimit({
  AUTH_FAILURES_PER_SECOND: perSecond,
  AUTH_TRUSTED_PROXIES: trustedProxies,
}: AuthEnv): Pick<AuthOptions, 'failures'> {
  if (trustedProxies?.every(isNetwork) === false) {
    const expected = 'IP addresses and subnets such as 10.0.0.0/8';
    const got = JSON.stringify(trustedProxies.join(','));
    throw new ConfigError([{ variable: 'AUTH_TRUSTED_PROXIES', expected, got }]);
  }
  if (perSecond === undefined && trustedProxies === undefined) return {};
  return {
    failures: {
      ...(perSecond !== undefined && { perSecond }),
      ...(trustedProxies !== undefined && { trustedProxies }),
    },
  };
}

function toKey(env: AuthEnv & { readonly HOST: string }): AuthOptions {
  const configured = (['AUTH_JWKS_URL', 'AUTH_JWT_PUBLIC_KEY', 'AUTH_JWT_SECRET'] as const).filter(
    (variable) => env[variable] !== undefined,
  );
  if (configured.length > 1) {
    throw new ConfigError(
      configured.slice(1).map((variable) => ({
        variable,
        expected: `no value, because ${configured[0]} is set`,
        got: 'a value',
      })),
    );
  }
  const roles = env.AUTH_ROLE_CLAIM === undefined ? {} : { roleClaim: env.AUTH_ROLE_CLAIM };
  if (env.AUTH_JWKS_URL !== undefined) {
    return {
      kind: 'jwks',
      url: keySetUrl(env.AUTH_JWKS_URL),
      ...tokenOrigin(env, 'AUTH_JWKS_URL'),
      ...roles,
    };
  }
  if (env.AUTH_JWT_PUBLIC_KEY !== undefined) {
    const pem = publicKeyPem(env.AUTH_JWT_PUBLIC_KEY);
    return { kind: 'public-key', pem, ...tokenOrigin(env, 'AUTH_JWT_PUBLIC_KEY'), ...roles };
  }
  refuseOrigin(env);
  if (env.AUTH_JWT_SECRET !== undefined) return { kind: 'secret', secret: env.AUTH_JWT_SECRET, ...roles };
  if (!isLoopback(env.HOST)) {
    throw new ConfigError([
      {
        variable: 'HOST',
        expected:
          'a loopback address, or one of AUTH_JWKS_URL, AUTH_JWT_PUBLIC_KEY and AUTH_JWT_SECRET to be set',
        got: JSON.stringify(env.HOST),
      },
    ]);
  }
  return { kind: 'open' };
}

/**
 * Required issuer and audience of tokens. An identity provider signs tokens for many services: without these two, any
 * of its tokens would be accepted.
 */
function tokenOrigin(
  { AUTH_JWT_ISSUER: issuer, AUTH_JWT_AUDIENCE: audience }: AuthEnv,
  key: 'AUTH_JWKS_URL' | 'AUTH_JWT_PUBLIC_KEY',
): TokenOrigin {
  if (issuer !== undefined && audience !== undefined) return { issuer, audience };
  const issues: ConfigIssue[] = [];
  const missing = (variable: string, claim: string): void =>
    void issues.push({ variable, expected: `the ${claim} of tokens, required with ${key}`, got: 'nothing' });
  if (issuer === undefined) missing('AUTH_JWT_ISSUER', 'issuer (claim iss)');
  if (audience === undefined) missing('AUTH_JWT_AUDIENCE', 'audience (claim aud)');
  throw new ConfigError(issues);
}

/** Issuer and audience are checked only with keys of an identity provider. Setting them without one is an error. */
function refuseOrigin(env: AuthEnv): void {
  const configured = (['AUTH_JWT_ISSUER', 'AUTH_JWT_AUDIENCE'] as const).filter(
    (name) => env[name] !== undefined,
  );
  if (configured.length === 0) return;
  const expected = 'no value without AUTH_JWKS_URL or AUTH_JWT_PUBLIC_KEY';
  throw new ConfigError(
    configured.map((variable) => ({ variable, expected, got: JSON.stringify(env[variable]) })),
  );
}

/** Keys fetched over plain HTTP are not authenticated. */
function keySetUrl(value: string): string {
  if (URL.canParse(value) && isProtectedUrl(new URL(value))) return value;
  const expected = 'an https:// URL, or http:// on a loopback address';
  throw new ConfigError([{ variable: 'AUTH_JWKS_URL', expected, got: JSON.stringify(value) }]);
}

/** The key as PEM text; a PEM in one line with literal `\n`, as in `.env` files, is accepted. */
function publicKeyPem(value: string): string {
  const pem = value.replaceAll('\\n', '\n');
  const problem = publicKeyProblem(pem);
  if (problem === undefined) return pem;
  throw new ConfigError([{ variable: 'AUTH_JWT_PUBLIC_KEY', expected: PUBLIC_KEY, got: problem }]);
}

/** What is given instead of an accepted public key; `undefined` if it is one. Never contains a part of it. */
function publicKeyProblem(pem: string): string | undefined {
  // Node derives the public key from a private one, which services must not have.
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) return 'a private key (not shown)';
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch {
    return 'another value (not shown)';
  }
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case 'rsa':
    case 'rsa-pss':
      return (modulusLength ?? 0) < MIN_RSA_BITS ? `an RSA key of ${modulusLength} bits` : undefined;
    case 'ec':
      return SIGNING_CURVES.has(namedCurve ?? '') ? undefined : `a key of the curve ${namedCurve}`;
    case 'ed25519':
      return undefined;
    default:
      return `a key of the type ${key.asymmetricKeyType}`;
  }
}
