import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { isAlive } from '@hailstream/service/processes';
import { describe, expect, it } from 'vitest';
import { startS3Stub } from './_s3-stub.js';
import { eventually, System, temporaryHome } from './_system.js';

interface Jobs {
  readonly jobs: readonly {
    readonly name: string;
    readonly state: string;
    readonly counts: { readonly delivered: number };
    readonly failure: { readonly code: string } | null;
  }[];
}

describe('npm start -- --router', () => {
  it('delivers the simulated events to object storage, and npm run router operates the jobs', async () => {
    await using home = await temporaryHome();
    await using s3 = await startS3Stub('ride');
    const file = join(home.folder, 'router.yaml');
    const sink = { type: 's3', endpoint: s3.endpoint, bucket: 'ride', forcePathStyle: true };
    const batching = { records: 100, intervalSeconds: 1 };
    const job = { name: 'lake', topics: ['ride.telemetry'], sink, batching };
    const broken = { ...job, name: 'broken', sink: { ...sink, bucket: 'missing' } };
    // JSON is YAML, too.
    await writeFile(file, JSON.stringify({ jobs: [job, broken] }));
    await using system = await System.start(home.folder, {
      args: ['--router', file],
      env: { AWS_ACCESS_KEY_ID: 'test', AWS_SECRET_ACCESS_KEY: 'test-secret' },
    });
    const { routerUrl, processes } = await system.run();
    expect(system.launcher.stdout).toContain(`router     ${routerUrl}`);

    const jobs = async () => (await json<Jobs>(system, 'jobs')).jobs;
    const [lake, other] = await eventually('records are delivered', async () => {
      const now = await jobs();
      return now[0]!.counts.delivered >= 1_000 && now[1]!.failure !== null && now;
    });
    expect(lake).toMatchObject({ name: 'lake', state: 'running', failure: null });
    expect(other).toMatchObject({ name: 'broken', state: 'failing', failure: { code: 'MISCONFIGURED' } });
    const stored = [...s3.objects].filter(([key]) => key.endsWith('.ndjson.gz'));
    const lines = stored.flatMap(([, bytes]) => gunzipSync(bytes).toString().trimEnd().split('\n'));
    expect(lines.length).toBeGreaterThanOrEqual(1_000);
    expect(JSON.parse(lines[0]!)).toHaveProperty('telemetry_id');

    expect((await system.command(['router', 'pause', 'lake'])).stdout).toMatch(/^lake {2}paused /m);
    expect((await jobs())[0]).toMatchObject({ state: 'paused' });
    expect((await system.command(['router', 'resume', 'lake'])).stdout).toMatch(/^lake {2}running /m);
    expect(await system.command(['router', 'pause', 'sea'])).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^router at [^\n]+: 404 job "sea" does not exist\n$/) as string,
    });
    expect((await system.command(['router', 'jobs'])).stdout).toContain('bucket "missing" does not exist');

    expect(await system.command(['router', 'dead-letters', 'list'])).toMatchObject({
      code: 0,
      stdout: 'no dead letters\n',
    });

    await system.kill('router');
    await eventually('the restarted router delivers', async () => {
      const { code, stdout } = await system.command(['router', 'jobs', '--json']);
      return code === 0 && (JSON.parse(stdout) as Jobs).jobs[0]!.counts.delivered > 0;
    });
    expect(await system.stop()).toMatchObject({ code: 0, stderr: '' });
    expect(Object.values(processes).filter(isAlive)).toEqual([]);
  });
});

async function json<T>(system: System, command: string): Promise<T> {
  const { code, stdout, stderr } = await system.command(['router', command, '--json']);
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as T;
}
