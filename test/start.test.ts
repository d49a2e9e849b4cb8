import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isAlive } from '@hailstream/service/processes';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command, Command, eventually, System, temporaryHome } from './_system.js';

interface Vehicles {
  readonly asOf: number;
  readonly count: number;
  readonly vehicles: readonly {
    readonly device_id: string;
    readonly location: { readonly lat: number; readonly lng: number };
  }[];
}

/** Secrets of the shell that none of the started processes needs. */
const SECRETS = { AWS_SECRET_ACCESS_KEY: 'x', WEBHOOK_SECRET: 'x'.repeat(32), GITHUB_TOKEN: 'x' };

/** Which secrets are in the environment of a process, as Linux shows it. */
async function secretsOf(pid: number): Promise<Record<string, true>> {
  const variables = (await readFile(`/proc/${pid}/environ`, 'utf8')).split('\0');
  const names = variables.map((variable) => variable.split('=')[0] ?? '');
  const secret = /SECRET|TOKEN$|PASSWORD|DATABASE_URL/;
  // Batch needs the URL of Postgres, whichever it is.
  return Object.fromEntries(
    names.filter((name) => secret.test(name) && name !== 'DATABASE_URL').map((name) => [name, true as const]),
  );
}

describe('npm start', () => {
  it('shows moving vehicles, shuts down cleanly, and continues with the same data', async () => {
    await using home = await temporaryHome();
    let seen: number;
    {
      await using system = await System.start(home.folder, { env: SECRETS });
      const token = await system.token('read');
      await eventually('200 vehicles', async () => (await vehicles(system, token)).count >= 200);
      const before = await positions(system, token);
      await eventually(
        'most of them have moved',
        async () => movedShare(before, await positions(system, token)) > 0.5,
      );
      expect(system.launcher.stdout).toContain((await system.run()).signInUrl);
      ({ eventsSeen: seen } = await system.ask<{ eventsSeen: number }>('/stats', token));
      const { processes, pid } = await system.run();
      expect(pid).toBe(system.launcher.child.pid);
      const ofServices = { AUTH_JWT_SECRET: true };
      for (const [name, seen] of Object.entries(process.platform === 'linux' ? processes : {})) {
        const needsKey = ['ingest', 'realtime', 'batch'].includes(name);
        expect([name, await secretsOf(seen)]).toEqual([name, needsKey ? ofServices : {}]);
      }
      await expect(stat(join(home.folder, 'simulator-token'))).resolves.toMatchObject({ mode: 0o100600 });

      expect(await system.stop()).toMatchObject({ code: 0, stderr: '' });
      expect(Object.values(processes).filter(isAlive)).toEqual([]);
      for (const file of ['run.json', 'simulator-token']) {
        await expect(stat(join(home.folder, file))).rejects.toThrow('ENOENT');
      }
    }
    await using again = await System.start(home.folder, { args: ['--no-sim'] });
    const token = await again.token('read');
    const stats = await eventually('all earlier events are counted again', async () => {
      const now = await again.ask<{ eventsSeen: number; devicesSeen: number }>('/stats', token);
      return now.eventsSeen >= seen && now;
    });
    expect(stats.devicesSeen).toBeGreaterThanOrEqual(200);
    expect((await again.run()).processes).not.toHaveProperty('driverSim');
  });

  it('leaves no process behind when it is killed, and starts again on the same home folder', async () => {
    await using home = await temporaryHome();
    await using killed = await System.start(home.folder, { args: ['--no-sim'] });
    const { processes, pid } = await killed.run();
    process.kill(pid, 'SIGKILL');
    await eventually('its processes have exited', () => !Object.values(processes).some(isAlive));
    await using again = await System.start(home.folder, { args: ['--no-sim'] });
    expect((await again.run()).pid).not.toBe(pid);
    expect(await again.stop()).toMatchObject({ code: 0 });
  });

  it('stops when npm is stopped or killed', async () => {
    await using home = await temporaryHome();
    await using asked = await System.start(home.folder, { args: ['--no-sim'], throughNpm: true });
    expect(await asked.stop()).toMatchObject({ code: 0, stderr: '' });
    await using killed = await System.start(home.folder, { args: ['--no-sim'], throughNpm: true });
    const { pid, processes } = await killed.run();
    killed.launcher.child.kill('SIGKILL');
    await eventually('all processes have exited', () => ![pid, ...Object.values(processes)].some(isAlive));
    await expect(stat(join(home.folder, 'run.json'))).rejects.toThrow('ENOENT');
  });

  it('shuts down cleanly during its start', async () => {
    await using home = await temporaryHome();
    await using system = System.launch(home.folder, { args: ['--no-sim'] });
    await eventually('it starts', () => system.launcher.stdout.includes('Starting'));
    expect(await system.stop()).toMatchObject({ code: 0, stderr: '' });
    expect(system.launcher.stdout).toContain('Stopped.');
  });

  it('stops with exit code 1 if a process exits too often', async () => {
    await using home = await temporaryHome();
    await using system = await System.start(home.folder, { args: ['--no-sim'] });
    for (let ends = 0; ends < 5; ends += 1) await system.kill('realtime');
    const { processes } = await system.run();
    process.kill(processes.realtime, 'SIGKILL');
    const { code, stderr } = await system.launcher.result;
    expect(code).toBe(1);
    expect(stderr).toMatch(/^realtime [^\n]+, 6 times within 60 s: see [^\n]*realtime\.log\n$/);
    expect(Object.values(processes).filter(isAlive)).toEqual([]);
  });
});

describe('user errors are one line without a stack', () => {
  let system: System;
  let home: AsyncDisposable & { readonly folder: string };
  beforeAll(async () => {
    home = await temporaryHome();
    system = await System.start(home.folder, { args: ['--no-sim'] });
  });
  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  /** One line, exit code 1, no stack. */
  const refused = (line: RegExp) => ({
    code: 1,
    stderr: expect.stringMatching(new RegExp(`^${line.source}\n$`)) as string,
  });

  it('a second start on the same home folder', async () => {
    const second = await System.launch(home.folder).launcher.result;
    expect(second).toMatchObject(refused(/Hailstream is already running on [^\n]+/));
  });

  it('ports in use', async () => {
    await using other = await temporaryHome();
    const server = createServer();
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
    const { port } = server.address() as { port: number };
    const result = await command([
      'start',
      '--home',
      other.folder,
      '--ingest-port',
      String(port),
      '--broker-port',
      String(port),
      // Another system on this machine may use the default ports.
      ...['dashboard', 'batch', 'sim', 'postgres'].flatMap((name) => [`--${name}-port`, '0']),
    ]);
    await new Promise((done) => server.close(done));
    expect(result.code).toBe(1);
    expect(result.stderr).toMatch(
      new RegExp(
        `^--ingest-port: cannot listen on 127.0.0.1:${port}: the port is in use\n--broker-port: [^\n]+\n$`,
      ),
    );
  });

  it('an unknown option', async () => {
    expect(await command(['start', '--vehicle', '5'])).toMatchObject(
      refused(/Unknown option '--vehicle'; known options: [^\n]+/),
    );
  });

  it('an invalid variable', async () => {
    await using other = await temporaryHome();
    const launched = System.launch(other.folder, { env: { INGEST_LOG_LINGER_MS: 'soon' } });
    expect(await launched.launcher.result).toMatchObject(
      refused(/ingest: INGEST_LOG_LINGER_MS: expected [^\n]+, got "soon"/),
    );
  });

  it('a missing or invalid city file', async () => {
    await using other = await temporaryHome();
    const file = join(other.folder, 'city.geojson');
    const missing = await System.launch(other.folder, { args: ['--city', file] }).launcher.result;
    expect(missing).toMatchObject(refused(/--city: cannot read [^\n]+: ENOENT/));
    await writeFile(file, '{}');
    const broken = await System.launch(other.folder, { args: ['--city', file] }).launcher.result;
    expect(broken).toMatchObject(
      refused(/--city: [^\n]*city\.geojson: the JSON is not a FeatureCollection[^\n]*/),
    );
  });

  it('a missing or invalid trace', async () => {
    const replay = (file: string) => command(['replay', file, '--home', home.folder, '--json']);
    expect(await replay('/nowhere/trace.csv')).toMatchObject(refused(/[^\n]*\/nowhere\/trace\.csv[^\n]*/));
    const folder = await mkdtemp(join(tmpdir(), 'hail-'));
    await writeFile(join(folder, 'trace.csv.gz'), 'this is not gzip');
    const garbage = await replay(join(folder, 'trace.csv.gz'));
    await rm(folder, { recursive: true });
    expect(garbage).toMatchObject(refused(/[^\n]*trace\.csv\.gz[^\n]*/));
  });

  it('commands for a system that is not running', async () => {
    await using other = await temporaryHome();
    const nothing = refused(/Hailstream is not running on [^\n]+/);
    expect(await command(['batch', 'run', '--home', other.folder])).toMatchObject(nothing);
    expect(await command(['replay', 'trace.csv', '--home', other.folder])).toMatchObject(nothing);
    const token = await command(['token', '--scope', 'read', '--home', other.folder]);
    expect(token).toMatchObject(refused(/[^\n]+ has no secret: [^\n]+/));
  });

  it('jobs of a system that runs without a router', async () => {
    const jobs = await command(['router', 'jobs', '--home', home.folder]);
    expect(jobs).toMatchObject(refused(/Hailstream on [^\n]+ runs without a router: [^\n]+/));
  });

  it('a missing or invalid router file', async () => {
    await using other = await temporaryHome();
    const file = join(other.folder, 'router.yaml');
    const missing = await System.launch(other.folder, { args: ['--router', file] }).launcher.result;
    expect(missing).toMatchObject(refused(/--router: cannot read [^\n]+: ENOENT/));
    await writeFile(file, 'jobs: [{ name: lake, topics: [ride.trips], sink: { type: s3 } }]');
    const invalid = await System.launch(other.folder, { args: ['--router', file] }).launcher.result;
    expect(invalid).toMatchObject(refused(/--router: [^\n]+: jobs\[0\]\.sink\.bucket: is required/));
    // Nothing was started.
    expect(invalid.stdout).toBe('');
  });

  it('a token without a scope', async () => {
    const noScope = await command(['token', '--home', home.folder]);
    expect(noScope).toMatchObject(refused(/expected --scope read\|write\|operate\[,…\] [^\n]+/));
    const noUuid = await command(['token', '--scope', 'write', '--provider', 'me', '--home', home.folder]);
    expect(noUuid).toMatchObject(refused(/--provider: expected a UUID, got "me"/));
  });
});

describe('npm run broker', () => {
  it('runs the broker alone until SIGTERM', async () => {
    await using home = await temporaryHome();
    const broker = new Command([
      'broker',
      '--port',
      '0',
      '--data-dir',
      home.folder,
      '--set',
      'num.partitions=3',
    ]);
    await eventually('it listens', () => /listening on 127\.0\.0\.1:\d+/.test(broker.stdout));
    broker.child.kill('SIGTERM');
    expect(await broker.result).toMatchObject({ code: 0, stderr: '' });
  });
});

async function vehicles(system: System, token: string): Promise<Vehicles> {
  return system.ask<Vehicles>('/vehicles', token);
}

async function positions(system: System, token: string): Promise<Map<string, string>> {
  const { vehicles: all } = await vehicles(system, token);
  return new Map(all.map(({ device_id, location }) => [device_id, `${location.lat},${location.lng}`]));
}

function movedShare(before: ReadonlyMap<string, string>, after: ReadonlyMap<string, string>): number {
  return [...after].filter(([id, place]) => before.get(id) !== place).length / Math.max(1, after.size);
}
