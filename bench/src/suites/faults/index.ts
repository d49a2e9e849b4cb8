import { setTimeout as pause } from 'node:timers/promises';
import { LOCAL_PROVIDER_ID, makeToken } from '@hailstream/nest';
import { kafkaClasspath } from '@hailstream/tools/kafka';
import { percentiles, type Row } from '../../harness/report.js';
import { temporaryFolder } from '../../harness/temporary-folder.js';
import type { Effort, Suite } from '../suite.js';
import { activeController, busiestLeader } from './cluster-roles.js';
import { Devices, type Weather } from './devices.js';
import { checkNothingLost } from './nothing-lost.js';
import { ClusteredSystem } from './system.js';

const EVENTS_PER_SECOND = 50;
const SECRET = 'a secret that only this benchmark has, for its own loopback';
const HOUR_AND_MORE = '3h';

interface Fault {
  readonly name: string;
  happen(system: ClusteredSystem, seconds: (count: number) => Promise<void>): Promise<void>;
}

/** What befalls a cluster, one after the other; each is over, and a while has passed, before the next. */
const FAULTS: readonly Fault[] = [
  { name: 'nothing', happen: (_, seconds) => seconds(20) },
  {
    name: 'the leader of most partitions killed, back after 15 s',
    async happen({ kafka }, seconds) {
      const leader = await busiestLeader(kafka);
      await kafka.kill(leader);
      await seconds(15);
      await kafka.restart(leader);
    },
  },
  {
    name: 'the controller killed, back after 15 s',
    async happen({ kafka }, seconds) {
      const controller = await activeController(kafka);
      await kafka.kill(controller);
      await seconds(15);
      await kafka.restart(controller);
    },
  },
  {
    name: 'rolling restart of all three brokers',
    async happen({ kafka }, seconds) {
      for (const broker of kafka.addresses.keys()) {
        await kafka.restart(broker);
        await seconds(5);
      }
    },
  },
  {
    name: 'a broker paused for 30 s',
    async happen({ kafka }, seconds) {
      const leader = await busiestLeader(kafka);
      kafka.pause(leader);
      await seconds(30);
      kafka.resume(leader);
    },
  },
  {
    name: 'all brokers down for a minute',
    async happen({ kafka }, seconds) {
      const brokers = [...kafka.addresses.keys()];
      await Promise.all(brokers.map((broker) => kafka.kill(broker)));
      await seconds(60);
      await Promise.all(brokers.map((broker) => kafka.restart(broker)));
    },
  },
  ...(['ingest', 'realtime', 'batch'] as const).map((service) => ({
    name: `one of two ${service} killed, back after 15 s`,
    async happen(system: ClusteredSystem, seconds: (count: number) => Promise<void>) {
      system.killOne(service);
      await seconds(15);
      await system.restartOne(service);
    },
  })),
];

/** Seconds after each fault in which devices go on, and must find everything in order. */
const AFTERMATH = 15;

/**
 * Faults of a cluster of three under a steady load: how long events waited for the log. Fails where anything that was
 * accepted is lost, or is there twice.
 */
export const faultsSuite: Suite = {
  name: 'faults',
  prepare: async () => void (await kafkaClasspath()),
  run: measure,
};

async function measure(effort: Effort, say: (what: string) => void): Promise<Row[]> {
  await using folder = await temporaryFolder();
  say('starting three brokers, Postgres, and two of each service');
  await using system = await ClusteredSystem.start(folder.path, SECRET);
  const token = await makeToken(SECRET, { scopes: ['write'], providerId: LOCAL_PROVIDER_ID }, HOUR_AND_MORE);
  await using devices = new Devices(system.urls('ingest'), { token, ratePerSecond: EVENTS_PER_SECOND });
  // A quick run has every fault, for a fifth of its time.
  const seconds = (count: number): Promise<void> => pause((count * effort.roundMs) / 5);
  const rows: Row[] = [];
  for (const fault of FAULTS) {
    say(fault.name);
    const weather = await devices.sendDuring(async () => {
      await fault.happen(system, seconds);
      await seconds(AFTERMATH);
    });
    rows.push(rowOf(fault, weather));
  }
  const readToken = await makeToken(SECRET, { scopes: ['read'] }, HOUR_AND_MORE);
  say(await checkNothingLost(system, devices.accepted, readToken));
  return rows;
}

function rowOf({ name }: Fault, { latencies, refusals, normalAfterMs }: Weather): Row {
  const normal =
    normalAfterMs === 0 ? 'nobody waited' : `as usual after ${(normalAfterMs / 1_000).toFixed(1)} s`;
  return {
    kind: 'latency',
    name,
    note: `${refusals} requests sent again, ${normal}`,
    micros: percentiles(latencies),
  };
}
