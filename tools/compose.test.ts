import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { read } from './repository-files.js';
import { BATCH_ALLOCATOR_VARIABLES } from './src/processes/allocator-variables.js';
import { INGEST_V8_OPTIONS } from './src/processes/v8-options.js';
import { repositoryRoot } from './src/repository.js';

/** Checks docker-compose.yml as YAML, without a container engine. */

interface Service {
  readonly image?: string;
  readonly build?: object;
  readonly profiles?: readonly string[];
  readonly ports?: readonly string[];
  readonly restart?: string;
  readonly user?: string;
  readonly init?: boolean;
  readonly read_only?: boolean;
  readonly cap_drop?: readonly string[];
  readonly stop_grace_period?: string;
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly volumes?: readonly string[];
  readonly logging?: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
  readonly healthcheck?: { readonly test?: readonly string[]; readonly disable?: boolean };
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
}

const text = read('docker-compose.yml');
const { services, volumes } = parse(text, { merge: true }) as {
  services: Record<string, Service>;
  volumes: Record<string, unknown>;
};
const all = Object.entries(services);
const apps = ['ingest', 'realtime', 'batch', 'router', 'driver-sim'].map(
  (name) => [name, services[name]!] as const,
);
const oneShots = ['secrets'];
const running = all.filter(([name]) => !oneShots.includes(name));

describe('docker compose', () => {
  it('publishes only ingest and the page, on the loopback address', () => {
    const published = (profile: boolean) =>
      all
        .filter(([, { profiles }]) => (profiles !== undefined) === profile)
        .flatMap(([, { ports }]) => ports ?? []);
    expect(published(false)).toEqual([
      '127.0.0.1:${INGEST_PORT:-4000}:4000',
      '127.0.0.1:${DASHBOARD_PORT:-4001}:4001',
    ]);
    for (const port of published(true)) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it.each(all)('%s runs a pinned image with a limited log size', (_, { image, logging }) => {
    expect(image).toMatch(
      /^(hailstream-[\w-]+:\$\{HAILSTREAM_TAG:-local\}|[\w./-]+:v?\d[\w.-]*(@sha256:[0-9a-f]{64})?)$/,
    );
    expect(logging).toMatchObject({ driver: 'json-file', options: { 'max-size': '10m', 'max-file': '3' } });
  });

  it('builds each app as a separate image, from one Dockerfile', () => {
    expect(apps.map(([, { image }]) => image)).toEqual(
      apps.map(([name]) => `hailstream-${name}:\${HAILSTREAM_TAG:-local}`),
    );
    for (const [, { build }] of apps)
      expect(build).toEqual({ context: '.', dockerfile: 'docker/Dockerfile' });
  });

  it.each(running)('%s has a health check and is restarted', (_, { healthcheck, restart }) => {
    expect(healthcheck?.test?.[0]).toBe('CMD');
    expect(restart).toBe('unless-stopped');
  });

  it.each(all)('%s starts after its dependencies are healthy', (_, { depends_on: needs = {} }) => {
    for (const [name, { condition }] of Object.entries(needs)) {
      expect(condition).toBe(oneShots.includes(name) ? 'service_completed_successfully' : 'service_healthy');
      expect(services).toHaveProperty(name);
    }
  });

  it.each(apps)('%s has a read-only file system and no capabilities', (_, service) => {
    expect(service).toMatchObject({ init: true, read_only: true, cap_drop: ['ALL'] });
  });

  it('starts ingest with the options of the launcher', () => {
    const { entrypoint } = services['ingest']!;
    expect(entrypoint).toEqual(['node', ...INGEST_V8_OPTIONS, 'apps/ingest/dist/main.js']);
  });

  it('starts batch with the variables of the C library of the launcher', () => {
    expect(services['batch']!.environment).toMatchObject(BATCH_ALLOCATOR_VARIABLES);
  });

  it('has a stop grace period longer than the drain timeout', () => {
    const drain = /DRAIN_TIMEOUT_MS = ([\d_]+)/.exec(read('libs/service/src/lifecycle/run-service.ts'))?.[1];
    const drainSeconds = Number(drain?.replaceAll('_', '')) / 1_000;
    expect(drainSeconds).toBeGreaterThan(0);
    for (const [, { stop_grace_period: grace }] of apps) {
      expect(Number(grace?.replace(/s$/, ''))).toBeGreaterThan(drainSeconds);
    }
  });

  it('keeps persistent data in named volumes, and mounts only existing files', () => {
    const mounts = all.flatMap(([, service]) => service.volumes ?? []).map((mount) => mount.split(':')[0]!);
    const named = mounts.filter((source) => /^[a-z]/.test(source));
    expect(new Set(named)).toEqual(new Set(Object.keys(volumes)));
    // Keyframes, which a process can write again from the log.
    expect(mounts.filter((source) => source.startsWith('/'))).toEqual(['/var/lib/hailstream']);
    expect(
      mounts.filter((source) => source.startsWith('./') && !existsSync(join(repositoryRoot, source))),
    ).toEqual([]);
  });

  it('contains no secret', () => {
    for (const [, { environment = {} }] of all) {
      for (const [name, value] of Object.entries(environment)) {
        if (!/PASSWORD|SECRET|TOKEN|ACCESS_KEY/.test(name)) continue;
        expect(value, name).toMatch(/^(\$\{\w+:-\}|(\$\{\w+-)?\/run\/secrets\/[\w/-]+\}?)$/);
      }
    }
  });

  it('denies metrics and health checks on every port of the proxy', () => {
    const { volumes: mounts = [] } = services['proxy']!;
    expect(mounts).toContain('./docker/proxy/internal-paths.conf:/etc/nginx/internal-paths.conf:ro');
    const proxied = read('docker/proxy/nginx.conf')
      .split(/^ {2}server \{$/m)
      .slice(1)
      .filter((server) => server.includes('proxy_pass'));
    expect(proxied).toHaveLength(2);
    for (const server of proxied) expect(server).toContain('include /etc/nginx/internal-paths.conf;');
    const denied = /^location ~ (\S+) \{\n {2}return 404;\n\}$/m.exec(
      read('docker/proxy/internal-paths.conf'),
    )?.[1];
    const isDenied = new RegExp(denied ?? '');
    for (const path of ['/metrics', '/metrics/', '/health/live', '/health/ready', '/health'])
      expect([path, isDenied.test(path)]).toEqual([path, true]);
    for (const path of ['/', '/telemetry', '/healthy', '/assets/metrics.js', '/vehicles/metrics'])
      expect([path, isDenied.test(path)]).toEqual([path, false]);
  });

  it('runs three brokers in the profile cluster, with min.insync.replicas 2', () => {
    const brokers = all.filter(([, { profiles }]) => profiles?.includes('cluster'));
    expect(brokers.map(([name]) => name)).toEqual(['kafka-1', 'kafka-2', 'kafka-3']);
    const values = (name: string) => brokers.map(([, { environment }]) => environment?.[name]);
    expect(values('KAFKA_NODE_ID')).toEqual(['1', '2', '3']);
    expect(new Set(values('KAFKA_BROKER_RACK')).size).toBe(3);
    expect(values('KAFKA_DEFAULT_REPLICATION_FACTOR')).toEqual(['3', '3', '3']);
    expect(values('KAFKA_MIN_INSYNC_REPLICAS')).toEqual(['2', '2', '2']);
    const { KAFKA_BROKERS } = Object.fromEntries(
      [...read('docker/cluster.env').matchAll(/^([A-Z_]+)=(.*)$/gm)].map(([, name, value]) => [name, value]),
    );
    expect(KAFKA_BROKERS?.split(',')).toEqual(brokers.map(([name]) => `${name}:9092`));
  });

  it('runs the router and its sinks only in the profile router', () => {
    const members = all.filter(([, { profiles }]) => profiles?.includes('router'));
    expect(members.map(([name]) => name)).toEqual(['router', 's3', 'opensearch']);
    const [job, search] = (parse(read('docker/router.yaml')) as { jobs: { sink: Record<string, unknown> }[] })
      .jobs;
    expect(job?.sink).toMatchObject({ type: 's3', endpoint: 'http://s3:7070' });
    expect(search?.sink).toMatchObject({ type: 'opensearch', url: 'http://opensearch:9200' });
    // The server creates the bucket and has the credentials that are created for the router.
    expect(read('docker/s3-server.sh')).toContain(`mkdir -p /data/${String(job?.sink['bucket'])}`);
    const credentials = '/run/secrets/s3/credentials';
    expect(services['router']?.environment?.['AWS_SHARED_CREDENTIALS_FILE']).toBe(credentials);
    expect(read('docker/s3-server.sh')).toContain(credentials);
    expect(services['secrets']?.volumes).toContain('s3-secret:/secrets/s3');
  });

  const hasCompose = spawnSync('docker', ['compose', 'version']).status === 0;
  it.runIf(hasCompose)('is accepted by docker compose with every profile', () => {
    const env = { ...process.env, COMPOSE_PROFILES: '*' };
    const { status, stderr } = spawnSync('docker', ['compose', 'config', '--quiet'], {
      cwd: repositoryRoot,
      env,
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});

describe('.env', () => {
  /** Variables that compose sets itself: listen addresses, and paths in the image. */
  const fixed = ['HOST', 'PORT', 'REALTIME_PAGE_DIR', 'DATABASE_PASSWORD'];
  const used = [...text.matchAll(/(?<!\$)\$\{([A-Z][A-Z0-9_]*)/g)].map(([, name]) => name!);
  const example = read('.env.example');
  const documented = (part: string) => [...part.matchAll(/^# ([A-Z][A-Z0-9_]*)=/gm)].map(([, name]) => name!);

  it('documents exactly the variables that docker compose reads', () => {
    const expected = documented(example).filter((name) => !fixed.includes(name));
    // Compose itself reads the profiles.
    expect(new Set([...used, 'COMPOSE_PROFILES'])).toEqual(new Set(expected));
  });

  it('passes each app the variables of its configuration', () => {
    const common = /^ {2}([A-Z][A-Z0-9_]*): /gm;
    const groups = [...read('libs/service/src/config/groups.ts').matchAll(common)].map(([, name]) => name!);
    expect(groups.length).toBeGreaterThan(10);
    for (const [name, { environment = {} }] of apps) {
      const source = read(`apps/${name}/src/config.ts`);
      const own = [...source.matchAll(/^ {2}([A-Z]+_[A-Z0-9_]+): /gm)].map(([, variable]) => variable!);
      const ofLog = source.includes('...logEnv') ? groups.filter((it) => /^(KAFKA|LOG)_/.test(it)) : [];
      const ofAuth = groups.filter((it) => it.startsWith('AUTH_'));
      const missing = [...own, ...ofLog, ...ofAuth].filter(
        (variable) => !Object.hasOwn(environment, variable) && !fixed.includes(variable),
      );
      expect({ name, missing }).toEqual({ name, missing: [] });
    }
  });
});

describe('the image', () => {
  const dockerfile = read('docker/Dockerfile');

  it('is built from pinned base images, and runs as an unprivileged user', () => {
    const bases = [...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, base]) => base!);
    const pinned = bases.filter((base) => /:\d+\.\d+\.\d+-/.test(base));
    const stages = [...dockerfile.matchAll(/ AS (\w+)$/gm)].map(([, stage]) => stage);
    expect(bases.filter((base) => !pinned.includes(base) && !stages.includes(base))).toEqual([]);
    expect(dockerfile.trimEnd().split('\nFROM ').at(-1)).toMatch(/^USER node$/m);
  });

  it('is built with the pnpm version of the repository', () => {
    const { packageManager } = JSON.parse(read('package.json')) as { packageManager: string };
    expect(dockerfile).toContain(`npm install --global ${packageManager}`);
  });

  it('copies only files that .dockerignore allows', () => {
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, paths]) =>
      paths!.split(' '),
    );
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    expect(copied.length).toBeGreaterThan(10);
    const missing = copied.filter(
      (path) => !allowed.some((prefix) => path === prefix || path.startsWith(`${prefix}/`)),
    );
    expect(missing).toEqual([]);
  });

  it('cannot contain a .env file', () => {
    const lines = read('.dockerignore').split('\n');
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))[0]).toBe('*');
    expect(lines.filter((line) => line.startsWith('!') && line.includes('env'))).toEqual([]);
  });
});
