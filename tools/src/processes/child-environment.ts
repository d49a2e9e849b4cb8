/** Variables of the operating system and of Node that programs need, and that are not secret. */
const COMMON: ReadonlySet<string> = new Set([
  ...['PATH', 'HOME', 'USER', 'LOGNAME', 'SHELL', 'TERM', 'LANG', 'LANGUAGE', 'TZ', 'TMPDIR', 'TMP', 'TEMP'],
  ...['XDG_CACHE_HOME', 'XDG_RUNTIME_DIR', 'LD_LIBRARY_PATH', 'LD_PRELOAD', 'DYLD_LIBRARY_PATH'],
  ...['SSL_CERT_FILE', 'SSL_CERT_DIR', 'UV_THREADPOOL_SIZE', 'NO_COLOR', 'FORCE_COLOR'],
  ...['MALLOC_ARENA_MAX', 'MALLOC_TRIM_THRESHOLD_'],
  ...[
    'NODE_OPTIONS',
    'NODE_ENV',
    'NODE_EXTRA_CA_CERTS',
    'NODE_USE_SYSTEM_CA',
    'NODE_DEBUG',
    'NODE_NO_WARNINGS',
  ],
  ...['NODE_COMPILE_CACHE', 'NODE_V8_COVERAGE', 'NODE_ICU_DATA', 'NODE_TLS_REJECT_UNAUTHORIZED'],
]);

/** The processes of the system. */
export type ProcessName = 'broker' | 'postgres' | 'ingest' | 'realtime' | 'batch' | 'router' | 'driverSim';

/** Its settings and secrets: names, and beginnings of names that end with `*`. `!` excludes what another one includes. */
const SERVICE = ['HOST', 'PORT', 'LOG_*', 'KAFKA_*', 'EVENTS_*', 'AUTH_*', '!AUTH_OIDC_*', '!AUTH_SESSION_*'];
const OWN: Readonly<Record<ProcessName, readonly string[]>> = {
  broker: [],
  postgres: [],
  ingest: [...SERVICE, 'INGEST_*', '!INGEST_TOKEN*', '!INGEST_URL'],
  realtime: [...SERVICE.filter((name) => !name.startsWith('!')), 'CITY_FILE', 'MAP_STYLE_*', 'REALTIME_*'],
  batch: [...SERVICE, 'DATABASE_*', 'PG*', 'BATCH_*'],
  router: [...SERVICE, 'ROUTER_*', 'AWS_*', 'OPENSEARCH_*', 'WEBHOOK_*', 'TARGET_KAFKA_*'],
  // It is given a token instead of the key that signs tokens.
  driverSim: [
    'HOST',
    'PORT',
    'LOG_LEVEL',
    'INGEST_URL',
    'INGEST_TOKEN*',
    'PROVIDER_ID',
    'CITY_FILE',
    'SIM_*',
  ],
};

/**
 * The variables of an environment that a program needs. It is given no others: a program that is taken over has no secrets
 * of other programs, nor of the user's shell.
 */
export function childEnvironment(name: ProcessName, env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const patterns = OWN[name];
  const isOwn = (variable: string): boolean =>
    patterns.some((pattern) => matches(pattern, variable)) &&
    !patterns.some((pattern) => pattern.startsWith('!') && matches(pattern.slice(1), variable));
  return select(env, (variable) => isCommon(variable) || isOwn(variable));
}

/** The variables of an environment for a program without settings. */
export function commonEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return select(env, isCommon);
}

function isCommon(variable: string): boolean {
  return COMMON.has(variable) || variable.startsWith('LC_');
}

function select(env: NodeJS.ProcessEnv, isSelected: (variable: string) => boolean): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([variable]) => isSelected(variable)));
}

function matches(pattern: string, variable: string): boolean {
  return pattern.endsWith('*') ? variable.startsWith(pattern.slice(0, -1)) : variable === pattern;
}
