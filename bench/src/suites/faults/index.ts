import { setTimeout as pause } from 'node:timers/promises';
import { telemetryFamily } from '@hailstream/events';
import { makeToken } from '@hailstream/service/tokens';
import { kafkaClasspath } from '@hailstream/tools/kafka';
import { Pool } from 'pg';
import { percentiles, type Row } from '../../harness/report.js';
import { temporaryFolder } from '../../harness/processes.js';
import type { Effort, Suite } from '../../harness/suite.js';
import { Arrivals, type ArrivalTimes } from './arrivals.js';
import { checkDelivery, deliveryKey } from './delivery-check.js';
import { Devices, type Acceptance } from './devices.js';
import { FAULTS, type Fault } from './faults.js';
import { realtimeAt, telemetryTableIn } from './destinations.js';
import { ClusteredSystem } from './system.js';

const EVENTS_PER_SECOND = 50;
const SECRET = 'a secret of this benchmark for loopback';
/** The provider of the devices of this suite, which differs from that of the simulator. */
const PROVIDER_ID = '0197a1c0-6d1f-7000-8000-00000000fa17';
/** Longer than a run. */
const TOKEN_EXPIRES_IN = '3h';

class ClosingPool extends Pool implements AsyncDisposable {
  [Symbol.asyncDispose](): Promise<void> {
    return this.end();
  }
}

/** Seconds before the first fault that are not measured. */
const WARM_UP = 20;
/** Seconds after each fault during which the devices continue to send. */
const AFTERMATH = 15;

/**
 * Measures how long events take until they are accepted, visible and loaded during faults of a cluster of three brokers,
 * under a steady load. Fails if an accepted event is missing or is in Postgres twice.
 */
export const faultsSuite: Suite = {
  name: 'faults',
  prepare: async () => void (await kafkaClasspath()),
  run: measure,
};

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using folder = await temporaryFolder();
  say('starting three brokers, Postgres, two processes of each service, and a simulated city');
  await using system = await ClusteredSystem.start(folder.path, SECRET);
  await using pool = new ClosingPool({ connectionString: system.databaseUrl });
  const token = (scope: 'read' | 'write', providerId?: string): Promise<string> =>
    makeToken(SECRET, { scopes: [scope], ...(providerId && { providerId }) }, TOKEN_EXPIRES_IN);
  const providerToken = await token('read', PROVIDER_ID);
  await using shown = new Arrivals(system.urls('realtime').map((url) => realtimeAt(url, providerToken)));
  await using loaded = new Arrivals([telemetryTableIn(pool)]);
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
  // A quick run injects all faults, each for a fraction of the time.
  const seconds = (count: number): Promise<void> => pause((count * effort.roundMs) / 5);
  const measureFault = async (fault: Fault): Promise<Row> => {
    const beganAt = performance.now();
    let durationMs = 0;
    const acceptance = await devices.sendDuring(async () => {
      await fault.inject(system, seconds);
      durationMs = performance.now() - beganAt;
      await seconds(AFTERMATH);
    });
    return rowOf(fault, {
      acceptance,
      durationMs,
      shown: await shown.settled(),
      loaded: await loaded.settled(),
    });
  };
  await measureFault({ name: 'warm-up', inject: () => seconds(WARM_UP) });
  const rows: Row[] = [];
  for (const fault of FAULTS) {
    say(fault.name);
    rows.push(await measureFault(fault));
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
  readonly acceptance: Acceptance;
  readonly durationMs: number;
  readonly shown: ArrivalTimes;
  readonly loaded: ArrivalTimes;
}

function rowOf({ name }: Fault, { acceptance, durationMs, shown, loaded }: Measured): Row {
  return {
    kind: 'fault',
    name,
    durationMs,
    acknowledged: percentiles(acceptance.latencies),
    retries: acceptance.retries,
    recoveredAfterMs: acceptance.recoveredAfterMs,
    visibleToFirst: percentiles(shown.first),
    visibleToBoth: percentiles(shown.last),
    inPostgres: percentiles(loaded.last),
  };
}
