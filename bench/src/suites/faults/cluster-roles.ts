import { telemetryTopic } from '@hailstream/events';
import { kafkaClasspath, kafkaTool, type RunningKafka } from '@hailstream/tools/kafka';

/** The broker, by its place in `kafka.addresses`, that leads the most partitions of telemetry. */
export async function busiestLeader(kafka: RunningKafka): Promise<number> {
  const described = await ask(kafka, 'TopicCommand', ['--describe', '--topic', telemetryTopic.name]);
  const led = new Map<number, number>();
  for (const [, leader] of described.matchAll(/Leader: (\d+)/g)) {
    led.set(Number(leader), (led.get(Number(leader)) ?? 0) + 1);
  }
  const [busiest] = [...led].toSorted(([, a], [, b]) => b - a);
  return placeOf(busiest?.[0]);
}

/** The broker, by its place in `kafka.addresses`, that is the cluster's active controller. */
export async function activeController(kafka: RunningKafka): Promise<number> {
  const status = await ask(kafka, 'MetadataQuorumCommand', ['describe', '--status']);
  return placeOf(Number(/LeaderId:\s+(\d+)/.exec(status)?.[1]));
}

async function ask(
  { addresses }: RunningKafka,
  tool: 'TopicCommand' | 'MetadataQuorumCommand',
  args: readonly string[],
): Promise<string> {
  const { stdout } = await kafkaTool(await kafkaClasspath(), `org.apache.kafka.tools.${tool}`, [
    '--bootstrap-server',
    addresses.join(','),
    ...args,
  ]);
  return stdout;
}

/** Nodes are numbered from 1. */
function placeOf(nodeId: number | undefined): number {
  if (nodeId === undefined || Number.isNaN(nodeId)) throw new Error('the cluster does not say who leads');
  return nodeId - 1;
}
