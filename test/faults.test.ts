import { LOCAL_PROVIDER_ID } from '@hailstream/service/tokens';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { telemetryInLog, telemetryInPostgres } from './_stores.js';
import { eventually, System, temporaryHome } from './_system.js';
import { makeTrace } from './_trace.js';

describe('when processes are killed', () => {
  let home: { readonly folder: string } & AsyncDisposable;
  let system: System;
  beforeEach(async () => {
    home = await temporaryHome();
    system = await System.start(home.folder, { args: ['--no-sim', '--batch-every', '1s'] });
  });
  afterEach(async () => {
    await system?.[Symbol.asyncDispose]();
    await home[Symbol.asyncDispose]();
  });

  it('neither loses nor repeats an event', async () => {
    await using trace = await makeTrace({ cabs: 40, seconds: 400 });
    const token = await system.token('read');
    const seen = async (): Promise<number> =>
      (await system.ask<{ eventsSeen: number }>('/stats', token)).eventsSeen;
    // At twenty times the recorded speed it takes 20 seconds; every process is killed during it.
    const replay = system.begin(['replay', trace.file, '--speed', '20', '--json']);
    await eventually('events flow', async () => (await seen()) > 500);
    await Promise.all([system.kill('batch'), system.kill('realtime')]);
    await system.kill('ingest');
    await system.killLog();
    expect(replay.child.exitCode, 'the replay continued all the time').toBeNull();

    const { code, stdout } = await replay.result;
    expect(code).toBe(0);
    const result = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, number>;
    expect(result).toMatchObject({
      sent: trace.distinct,
      accepted: trace.distinct,
      rejected: 0,
      devices: trace.cabs,
    });

    expect((await telemetryInLog(system)).distinct).toBe(trace.distinct);
    expect(await system.command(['batch', 'run'])).toMatchObject({ code: 0 });
    expect(await telemetryInPostgres(system)).toEqual({
      rows: trace.distinct,
      distinct: trace.distinct,
      devices: trace.cabs,
    });
    await eventually('the live state includes every cab', async () => {
      const { devicesSeen } = await system.ask<{ devicesSeen: number }>('/stats', token);
      return devicesSeen === trace.cabs;
    });
    for (const name of ['batch', 'realtime', 'ingest']) {
      expect(system.launcher.stdout).toContain(`${name} was ended by SIGKILL, restarting it`);
    }
    expect((await system.stop()).code).toBe(0);
  });

  it('returns 503 while the log is unreachable, and 201 afterwards', async () => {
    const { ingestUrl } = await system.run();
    const token = await system.token('write');
    const send = async (index: number): Promise<number> => {
      const response = await fetch(new URL('/telemetry', ingestUrl), {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
        body: JSON.stringify([telemetryPoint(index)]),
      });
      await response.arrayBuffer();
      return response.status;
    };
    expect(await send(1)).toBe(201);
    const resume = await system.pauseLog();
    try {
      expect(await send(2)).toBe(503);
    } finally {
      await resume();
    }
    await eventually('ingest accepts again', async () => (await send(2)) === 201);
    // An event that was answered with 503 may be in the log; sending it again must not store it twice.
    expect((await telemetryInLog(system)).distinct).toBe(2);
    expect(await system.command(['batch', 'run'])).toMatchObject({ code: 0 });
    expect(await telemetryInPostgres(system)).toEqual({ rows: 2, distinct: 2, devices: 1 });
  });
});

function telemetryPoint(index: number): object {
  return {
    device_id: '0197a1c0-6d1f-7000-8000-00000000000d',
    provider_id: LOCAL_PROVIDER_ID,
    telemetry_id: `0197a1c0-6d1f-7000-8000-0000000000a${index}`,
    timestamp: 1_790_000_000_000 + index,
    trip_ids: null,
    journey_id: null,
    location: { lat: 43.7384, lng: 7.4246 },
  };
}
