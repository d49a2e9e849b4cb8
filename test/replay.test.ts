import { describe, expect, it } from 'vitest';
import { countRows, telemetryInLog, telemetryInPostgres } from './_stores.js';
import { eventually, System, temporaryHome } from './_system.js';
import { makeTrace } from './_trace.js';

const END_AT = '2026-06-01T12:00:00Z';

interface ReplayResult {
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly retried: number;
  readonly devices: number;
}

/** The last line of a command's output with `--json`. */
function lastLine<T>(stdout: string): T {
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as T;
}

describe('a replayed trace', () => {
  it('is stored exactly once, with its states and trips, even if it is sent twice', async () => {
    await using trace = await makeTrace({ cabs: 40, seconds: 230 });
    await using home = await temporaryHome();
    await using system = await System.start(home.folder, { args: ['--no-sim', '--batch-every', '1h'] });
    const replay = async (): Promise<ReplayResult> => {
      const args = ['replay', trace.file, '--speed', 'max', '--end-at', END_AT, '--json'];
      const { code, stdout, stderr } = await system.command(args);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      expect(stderr.match(/skipped/g)).toHaveLength(trace.brokenLines);
      return lastLine<ReplayResult>(stdout);
    };
    const load = async (): Promise<{ rows: number; topics: Record<string, { rows: number }> }> => {
      const { code, stdout, stderr } = await system.command(['batch', 'run', '--json']);
      expect({ code, stderr }).toMatchObject({ code: 0 });
      return lastLine(stdout);
    };
    const { distinct, repeated, cabs: devices, brokenLines: broken } = trace;
    const everything = { sent: distinct, accepted: distinct, rejected: 0, repeated, devices, broken };

    expect(await replay()).toMatchObject(everything);
    expect(await telemetryInLog(system)).toEqual({ records: trace.distinct, distinct: trace.distinct });
    expect(await load()).toMatchObject({ topics: { 'ride.telemetry': { rows: trace.distinct } } });
    const rows = { rows: trace.distinct, distinct: trace.distinct, devices: trace.cabs };
    expect(await telemetryInPostgres(system)).toEqual(rows);
    const token = await system.token('read');
    await eventually(
      'the live state includes every cab',
      async () => (await system.ask<{ devicesSeen: number }>('/stats', token)).devicesSeen === trace.cabs,
    );
    // Each cab is free for a minute, occupied for a minute, and so on: one trip has ended, and one has not.
    const { byState } = await system.ask<{ byState: Record<string, number> }>('/stats', token);
    expect(byState).toMatchObject({ on_trip: trace.cabs, available: 0, unknown: 0 });
    const derived = async (): Promise<Record<string, number>> => ({
      events: await countRows(system, 'ride.vehicle_events'),
      trips: await countRows(system, 'ride.trips'),
      riderEvents: await countRows(system, 'ride.rider_events'),
    });
    const expected = { events: 4 * trace.cabs, trips: trace.cabs, riderEvents: 0 };
    expect(await derived()).toEqual(expected);
    for (const view of [
      'trips_per_hour',
      'vehicle_state_periods',
      'vehicle_utilisation',
      'supply_demand',
    ] as const) {
      expect(await countRows(system, `analysis.${view}`), view).toBeGreaterThan(0);
    }

    expect(await replay()).toMatchObject(everything);
    expect(await telemetryInLog(system)).toEqual({ records: 2 * trace.distinct, distinct: trace.distinct });
    expect(await load()).toMatchObject({ topics: { 'ride.telemetry': { rows: 0 } } });
    expect(await telemetryInPostgres(system)).toEqual(rows);
    expect(await derived()).toEqual(expected);
  });
});
