import { setTimeout as pause } from 'node:timers/promises';
import { telemetryFamily } from '@hailstream/events';
import { makeToken } from '@hailstream/service/tokens';
import { kafkaClasspath } from '@hailstream/tools/kafka';
import { Pool } from 'pg';
import { percentiles, type Row } from '../../harness/report.js';
import { temporaryFolder } from '../../harness/temporary-folder.js';
import type { Effort, Suite } from '../suite.js';
import { Arrivals, type ArrivalTimes } from './arrivals.js';
import { checkDelivery, deliveryKey } from './delivery-check.js';
import { Devices, type Weather } from './devices.js';
import { FAULTS, type Fault } from './faults.js';
import { cityShownBy, tableIn } from './places.js';
import { ClusteredSystem } from './system.js';

const EVENTS_PER_SECOND = 50;
const SECRET = 'a secret that only this benchmark has, for its own loopback';
/** Our devices are not the simulator's: what they sent is told apart by whose it is. */
const PROVIDER_ID = '0197a1c0-6d1f-7000-8000-00000000fa17';
const HOUR_AND_MORE = '3h';

class ClosingPool extends Pool implements AsyncDisposable {
  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

/** Seconds before the first fault that don't count: everything has just been started. */
const WARM_UP = 20;
/** Seconds after each fault in which devices go on, and must find everything in order. */
const AFTERMATH = 15;

/**
 * Faults of a cluster of three under a steady load: how long events waited for the log, and then for the pages and for
 * Postgres. Fails where anything that was accepted is lost, or is there twice.
 */
export const faultsSuite: Suite = {
  name: 'faults',
  prepare: async () => void (await kafkaClasspath()),
  run: measure,
};

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using folder = await temporaryFolder();
  say('starting three brokers, Postgres, two of each service, and a simulated city');
  await using system = await ClusteredSystem.start(folder.path, SECRET);
  await using pool = new ClosingPool({ connectionString: system.databaseUrl });
  const token = (scope: 'read' | 'write', providerId?: string): Promise<string> =>
    makeToken(SECRET, { scopes: [scope], ...(providerId && { providerId }) }, HOUR_AND_MORE);
  const ourReadToken = await token('read', PROVIDER_ID);
  await using shown = new Arrivals(system.urls('realtime').map((url) => cityShownBy(url, ourReadToken)));
  await using loaded = new Arrivals([tableIn(pool)]);
  const accepted = new Set<string>();
  await using devices = new Devices({
    urls: system.urls('ingest'),
    token: await token('write', PROVIDER_ID),
    providerId: PROVIDER_ID,
    ratePerSecond: EVENTS_PER_SECOND,
    onAccepted: (event) => {
      accepted.add(deliveryKey(telemetryFamily, event));
      shown.expect(event);
      loaded.expect(event);
    },
  });
  // A quick run has every fault, for a fifth of its time.
  const seconds = (count: number): Promise<void> => pause((count * effort.roundMs) / 5);
  const meet = async (fault: Fault): Promise<Row> => {
    const beganAt = performance.now();
    let mendedMs = 0;
    const weather = await devices.sendDuring(async () => {
      await fault.happen(system, seconds);
      mendedMs = performance.now() - beganAt;
      await seconds(AFTERMATH);
    });
    return rowOf(fault, { weather, mendedMs, shown: await shown.settled(), loaded: await loaded.settled() });
  };
  await meet({ name: 'warm-up', happen: () => seconds(WARM_UP) });
  const rows: Row[] = [];
  for (const fault of FAULTS) {
    say(fault.name);
    rows.push(await meet(fault));
  }
  const simulated = await system.endSimulation();
  say(
    await checkDelivery({
      connection: { brokers: system.kafka.addresses, clientId: 'bench' },
      pool,
      realtimeUrls: system.urls('realtime'),
      readToken: await token('read'),
      accepted,
      simulated,
    }),
  );
  return rows;
}

interface Measured {
  readonly weather: Weather;
  readonly mendedMs: number;
  readonly shown: ArrivalTimes;
  readonly loaded: ArrivalTimes;
}

function rowOf({ name }: Fault, { weather, mendedMs, shown, loaded }: Measured): Row {
  return {
    kind: 'fault',
    name,
    mendedMs,
    acknowledged: percentiles(weather.latencies),
    sentAgain: weather.refusals,
    normalAfterMs: weather.normalAfterMs,
    shownByOne: percentiles(shown.first),
    shownByBoth: percentiles(shown.last),
    inPostgres: percentiles(loaded.last),
  };
}
