import type { RunningKafka } from '@hailstream/tools/kafka';
import { activeController, busiestLeader } from './cluster-roles.js';
import type { ClusteredSystem } from './system.js';

export interface Fault {
  readonly name: string;
  /** Resolves once it is over; `seconds` waits. */
  happen(system: ClusteredSystem, seconds: (count: number) => Promise<void>): Promise<void>;
}

/** What befalls a cluster, one after the other; each is over, and a while has passed, before the next. */
export const FAULTS: readonly Fault[] = [
  { name: 'nothing', happen: (_, seconds) => seconds(20) },
  brokerKilled('the leader of most partitions', busiestLeader),
  brokerKilled('the controller', activeController),
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
    name: `one of two ${service} killed${service === 'batch' ? ' in mid-load' : ''}, back after 15 s`,
    async happen(system: ClusteredSystem, seconds: (count: number) => Promise<void>) {
      await system.killOne(service);
      await seconds(15);
      await system.restartOne(service);
    },
  })),
];

function brokerKilled(name: string, find: (kafka: RunningKafka) => Promise<number>): Fault {
  return {
    name: `${name} killed, back after 15 s`,
    async happen({ kafka }, seconds) {
      const broker = await find(kafka);
      await kafka.kill(broker);
      await seconds(15);
      await kafka.restart(broker);
    },
  };
}
