import { describe, expect, it } from 'vitest';
import { inTurn, oneMore } from './_more-processes.js';
import { telemetryInLog, telemetryInPostgres } from './_stores.js';
import { command, eventually, System, temporaryHome } from './_system.js';
import { makeTrace } from './_trace.js';

const SECRET = 'a secret that the processes of this test share';
/** Small chunks, so that no process finishes before the others start. */
const CHUNK_RECORDS = '100';

interface Vehicle {
  readonly device_id: string;
  readonly located_at: number;
}

describe('two processes of each service', () => {
  it('preserve order, show the same city and load each row once while a third batch joins and leaves', async () => {
    await using trace = await makeTrace({ cabs: 60, seconds: 400 });
    await using home = await temporaryHome();
    await using system = await System.start(home.folder, {
      args: ['--no-sim', '--batch-every', '1s'],
      env: { AUTH_JWT_SECRET: SECRET, BATCH_CHUNK_RECORDS: CHUNK_RECORDS },
    });
    await using ingest = await oneMore('ingest', system, SECRET);
    await using realtime = await oneMore('realtime', system, SECRET);
    await using batch = await oneMore('batch', system, SECRET);
    const { ingestUrl, dashboardUrl, batchUrl } = await system.run();
    const [writeToken, readToken] = [await system.token('write'), await system.token('read')];

    await using ingests = await inTurn([ingestUrl, ingest.url]);
    const replay = command(['replay', trace.file, '--speed', 'max', '--json'], {
      env: { INGEST_URL: ingests.url, INGEST_TOKEN: writeToken },
    });
    const written = async (url: string): Promise<number> =>
      sumOf(await (await fetch(`${url}/metrics`)).text(), 'batch_rows_total');
    await eventually(
      'both load',
      async () => (await written(batchUrl)) > 0 && (await written(batch.url)) > 0,
    );
    // One joins and is stopped, one joins and is killed, and one loads once.
    expect(await (await oneMore('batch', system, SECRET)).stop()).toBe(0);
    await (await oneMore('batch', system, SECRET)).kill();
    expect(await system.command(['batch', 'run'])).toMatchObject({ code: 0 });

    const { code, stdout } = await replay;
    expect(code).toBe(0);
    expect(JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
      accepted: trace.distinct,
      rejected: 0,
    });
    for (const url of [ingestUrl, ingest.url]) {
      const accepted = sumOf(await (await fetch(`${url}/metrics`)).text(), 'ingest_events_total');
      expect(accepted).toBeGreaterThan(0);
    }
    expect((await telemetryInLog(system)).distinct).toBe(trace.distinct);
    expect(await system.command(['batch', 'run'])).toMatchObject({ code: 0 });
    expect(await telemetryInPostgres(system)).toEqual({
      rows: trace.distinct,
      distinct: trace.distinct,
      devices: trace.cabs,
    });

    const cityOf = async (url: string): Promise<string> => {
      const response = await fetch(`${url}/vehicles`, { headers: { authorization: `Bearer ${readToken}` } });
      const { vehicles } = (await response.json()) as { vehicles: Vehicle[] };
      expect(vehicles).toHaveLength(trace.cabs);
      return JSON.stringify(vehicles.toSorted((a, b) => (a.device_id < b.device_id ? -1 : 1)));
    };
    await eventually(
      'both show the same city',
      async () => (await cityOf(dashboardUrl)) === (await cityOf(realtime.url)),
    );
    expect(await batch.stop()).toBe(0);
    expect((await system.stop()).code).toBe(0);
  });
});

/** A counter, summed over its labels. */
function sumOf(metrics: string, name: string): number {
  const values = [...metrics.matchAll(new RegExp(`^${name}\\{.*\\} (\\S+)$`, 'gm'))];
  return values.reduce((sum, [, value]) => sum + Number(value), 0);
}
