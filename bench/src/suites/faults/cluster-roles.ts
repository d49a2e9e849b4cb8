import type { RunningKafka } from '@hailstream/tools/kafka';
import { kafkaClasspath, kafkaTool } from '@hailstream/tools/kafka';
import { telemetryTopic } from '@hailstream/events';
import { Kafka, logLevel } from 'kafkajs';

/** The broker, by its place in `kafka.addresses`, that leads the most partitions of telemetry. */
export async function busiestLeader({ addresses }: RunningKafka): Promise<number> {
  const admin = new Kafka({
    brokers: [...addresses],
    clientId: 'bench',
    logLevel: logLevel.NOTHING,
  }).admin();
  await admin.connect();
  try {
    const { topics } = await admin.fetchTopicMetadata({ topics: [telemetryTopic.name] });
    const led = new Map<number, number>();
    for (const { leader } of topics[0]?.partitions ?? []) led.set(leader, (led.get(leader) ?? 0) + 1);
    const [busiest] = [...led].toSorted(([, a], [, b]) => b - a);
    return placeOf(busiest?.[0]);
  } finally {
    await admin.disconnect();
  }
}

/** The broker, by its place in `kafka.addresses`, that is the cluster's active controller. */
export async function activeController({ addresses }: RunningKafka): Promise<number> {
  const { stdout } = await kafkaTool(await kafkaClasspath(), 'org.apache.kafka.tools.MetadataQuorumCommand', [
    '--bootstrap-server',
    addresses.join(','),
    'describe',
    '--status',
  ]);
  return placeOf(Number(/LeaderId:\s+(\d+)/.exec(stdout)?.[1]));
}

/** Nodes are numbered from 1. */
function placeOf(nodeId: number | undefined): number {
  if (nodeId === undefined || Number.isNaN(nodeId)) throw new Error('the cluster does not say who leads');
  return nodeId - 1;
}
