import { kafkaClasspath, kafkaTool, startKafka } from '@hailstream/tools/kafka';
import { expect, it } from 'vitest';

it('starts three Apache Kafka brokers that can be killed, paused and restarted', async () => {
  const classpath = await kafkaClasspath();
  await using kafka = await startKafka({ brokers: 3, settings: { 'num.partitions': '3' } });
  expect(kafka.addresses).toHaveLength(3);
  const topics = async (...args: string[]): Promise<string> => {
    const broker = ['--bootstrap-server', kafka.addresses[0] as string];
    const { exitCode, stdout, stderr } = await kafkaTool(classpath, 'org.apache.kafka.tools.TopicCommand', [
      ...broker,
      ...args,
    ]);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    return stdout;
  };
  await topics('--create', '--topic', 'rides');
  const [, killed] = kafka.processIds;
  await kafka.kill(1);
  expect(kafka.processIds[1]).toBeUndefined();
  await kafka.restart(1);
  expect(kafka.processIds[1]).not.toBe(killed);
  kafka.pause(2);
  kafka.resume(2);
  await kafka.restart(2);
  expect(await topics('--describe', '--topic', 'rides')).toMatch(/PartitionCount: 3\s+ReplicationFactor: 3/);
});
