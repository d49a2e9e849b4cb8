import { telemetryFamily } from '@hailstream/events';
import { kafkaClasspath, kafkaTool, type RunningKafka } from '@hailstream/tools/kafka';

/** Index in `kafka.addresses` of the broker that leads the most partitions of telemetry. */
export async function busiestLeader(kafka: RunningKafka): Promise<number> {
  const described = await ask(kafka, 'TopicCommand', ['--describe', '--topic', telemetryFamily.topic.name]);
  const led = new Map<number, number>();
  for (const [, leader] of described.matchAll(/Leader: (\d+)/g)) {
    led.set(Number(leader), (led.get(Number(leader)) ?? 0) + 1);
  }
  const [busiest] = [...led].toSorted(([, a], [, b]) => b - a);
  return indexOf(busiest?.[0]);
}

/** Index in `kafka.addresses` of the active controller. */
export async function activeController(kafka: RunningKafka): Promise<number> {
  const status = await ask(kafka, 'MetadataQuorumCommand', ['describe', '--status']);
  return indexOf(Number(/LeaderId:\s+(\d+)/.exec(status)?.[1]));
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

/** Node ids start at 1. */
function indexOf(nodeId: number | undefined): number {
  if (nodeId === undefined || Number.isNaN(nodeId)) throw new Error('the output of the tool has no node id');
  return nodeId - 1;
}
