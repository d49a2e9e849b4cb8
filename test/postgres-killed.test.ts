import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LOCAL_PROVIDER_ID } from '@hailstream/service/tokens';
import { describe, expect, it } from 'vitest';
import { telemetryInPostgres } from './_stores.js';
import { eventually, System, temporaryHome } from './_system.js';

/** Ignores TEST_DATABASE_URL: the embedded Postgres is tested. */
const EMBEDDED = { DATABASE_URL: '' };

describe('the embedded Postgres server', () => {
  it('is restarted after it was killed, and loads continue without a restart of any other process', async () => {
    await using home = await temporaryHome();
    await using system = await System.start(home.folder, {
      args: ['--no-sim', '--batch-every', '1s'],
      env: EMBEDDED,
    });
    const { processes, databaseUrl } = await system.run();
    await send(system, 1);
    await eventually('the first row', async () => (await telemetryInPostgres(system)).rows === 1);

    process.kill(await serverPid(home.folder), 'SIGKILL');
    await send(system, 2);
    await eventually('the second row', async () => (await telemetryInPostgres(system)).rows === 2);
    const { stdout } = system.launcher;
    expect(stdout.match(/postgres: Postgres server exited/g)).toHaveLength(1);
    expect(stdout).toMatch(/postgres exited with code 1, restarting it\n[^]*postgres is running again\n/);

    // The process that watches the server is killed: the server keeps running and is replaced.
    const before = await serverPid(home.folder);
    await system.kill('postgres');
    await eventually('another server', async () => (await serverPid(home.folder)) !== before);
    await send(system, 3);
    await eventually('the third row', async () => (await telemetryInPostgres(system)).rows === 3);

    const now = await system.run();
    expect(now.databaseUrl).toBe(databaseUrl);
    for (const name of ['batch', 'ingest', 'realtime', 'broker'] as const) {
      expect(now.processes[name]).toBe(processes[name]);
    }
    expect(await system.stop()).toMatchObject({ code: 0 });
  });
});

async function serverPid(home: string): Promise<number> {
  const lockFile = await readFile(join(home, 'postgres/cluster/postmaster.pid'), 'utf8');
  return Number(lockFile.split('\n')[0]);
}

async function send(system: System, index: number): Promise<void> {
  const { ingestUrl } = await system.run();
  const response = await fetch(new URL('/telemetry', ingestUrl), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${await system.token('write')}`,
    },
    body: JSON.stringify([
      {
        device_id: '0197a1c0-6d1f-7000-8000-00000000000d',
        provider_id: LOCAL_PROVIDER_ID,
        telemetry_id: `0197a1c0-6d1f-7000-8000-0000000000a${index}`,
        timestamp: Date.now(),
        trip_ids: null,
        journey_id: null,
        location: { lat: 43.7384, lng: 7.4246 },
      },
    ]),
  });
  expect(response.status).toBe(201);
}
