import type { RunningKafka } from '@hailstream/tools/kafka';
import { activeController, busiestLeader } from './cluster-roles.js';
import type { ClusteredSystem } from './system.js';

export interface Fault {
  readonly name: string;
  /** Causes the fault and ends it. `seconds` waits. */
  inject(system: ClusteredSystem, seconds: (count: number) => Promise<void>): Promise<void>;
}

/** The faults in order. The system recovers from each before the next one is injected. */
export const FAULTS: readonly Fault[] = [
  { name: 'none', inject: (_, seconds) => seconds(20) },
  brokerKilled('leader of most partitions', busiestLeader),
  brokerKilled('controller', activeController),
  {
    name: 'rolling restart of all three brokers',
    async inject({ kafka }, seconds) {
      for (const broker of kafka.addresses.keys()) {
        await kafka.restart(broker);
        await seconds(5);
      }
    },
  },
  {
    name: 'one broker paused for 30 s',
    async inject({ kafka }, seconds) {
      const leader = await busiestLeader(kafka);
      kafka.pause(leader);
      await seconds(30);
      kafka.resume(leader);
    },
  },
  {
    name: 'all brokers down for one minute',
    async inject({ kafka }, seconds) {
      const brokers = [...kafka.addresses.keys()];
      await Promise.all(brokers.map((broker) => kafka.kill(broker)));
      await seconds(60);
      await Promise.all(brokers.map((broker) => kafka.restart(broker)));
    },
  },
  ...(['ingest', 'realtime', 'batch'] as const).map((service) => ({
    name: `one of two ${service} killed${service === 'batch' ? ' during a load' : ''}, restarted after 15 s`,
    async inject(system: ClusteredSystem, seconds: (count: number) => Promise<void>) {
      await system.killOne(service);
      await seconds(15);
      await system.restartOne(service);
    },
  })),
];

function brokerKilled(name: string, find: (kafka: RunningKafka) => Promise<number>): Fault {
  return {
    name: `${name} killed, restarted after 15 s`,
    async inject({ kafka }, seconds) {
      const broker = await find(kafka);
      await kafka.kill(broker);
      await seconds(15);
      await kafka.restart(broker);
    },
  };
}
