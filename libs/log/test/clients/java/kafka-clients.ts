import { kafkaClasspath } from '@hailstream/tools/kafka';
import { runProgram, type Command, type ProgramResult } from '../programs.js';
import { KEYS, type VerifiableClient } from '../verifiable-client.js';

/** Most of a tool's run time is the start of the JVM: use little memory and no optimizing compiler. */
const JAVA_OPTIONS = ['-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'];
/** Warnings and errors go to standard error, so that standard output contains only the tool's output. */
const LOGGING = {
  'log4j2.properties': `
rootLogger.level = WARN
rootLogger.appenderRef.stderr.ref = stderr
appender.stderr.type = Console
appender.stderr.name = stderr
appender.stderr.target = SYSTEM_ERR
appender.stderr.layout.type = PatternLayout
appender.stderr.layout.pattern = %p %c: %m%n
`,
};
/** Main classes, by the name of the script in Kafka's distribution. */
const CLASSES = {
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
  'kafka-configs': 'kafka.admin.ConfigCommand',
  'kafka-consumer-groups': 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  'kafka-console-consumer': 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  'kafka-delete-records': 'org.apache.kafka.tools.DeleteRecordsCommand',
  'kafka-dump-log': 'org.apache.kafka.tools.DumpLogSegments',
  'kafka-get-offsets': 'org.apache.kafka.tools.GetOffsetShell',
  'kafka-log-dirs': 'org.apache.kafka.tools.LogDirsCommand',
  'kafka-cluster': 'org.apache.kafka.tools.ClusterTool',
  'kafka-broker-api-versions': 'org.apache.kafka.tools.BrokerApiVersionsCommand',
  'kafka-producer-perf-test': 'org.apache.kafka.tools.ProducerPerformance',
  'kafka-consumer-perf-test': 'org.apache.kafka.tools.ConsumerPerformance',
  'kafka-verifiable-producer': 'org.apache.kafka.tools.VerifiableProducer',
  'kafka-transactions': 'org.apache.kafka.tools.TransactionsCommand',
  'transactional-message-copier': 'org.apache.kafka.tools.TransactionalMessageCopier',
  'kafka-verifiable-consumer': 'org.apache.kafka.tools.VerifiableConsumer',
} as const;

export type KafkaTool = keyof typeof CLASSES;

/** Apache Kafka's tools and clients. */
export class KafkaClients implements VerifiableClient {
  private constructor(private readonly classpath: string) {}

  static async find(): Promise<KafkaClients> {
    return new KafkaClients(await kafkaClasspath());
  }

  /** `files`: input files by name, created in the tool's working directory. */
  command(tool: KafkaTool, args: readonly string[], files: Readonly<Record<string, string>> = {}): Command {
    const logging = '-Dlog4j2.configurationFile=log4j2.properties';
    return {
      command: 'java',
      args: [...JAVA_OPTIONS, logging, '-cp', this.classpath, CLASSES[tool], ...args],
      files: { ...LOGGING, ...files },
    };
  }

  /** @throws Error if the tool fails, with its output */
  async run(
    tool: KafkaTool,
    args: readonly string[],
    files: Readonly<Record<string, string>> = {},
  ): Promise<string> {
    return (await runProgram(this.command(tool, args, files))).stdout;
  }

  /** Runs a tool whose failure is expected. */
  async try(
    tool: KafkaTool,
    args: readonly string[],
    files: Readonly<Record<string, string>> = {},
  ): Promise<ProgramResult> {
    return runProgram(this.command(tool, args, files), { mayFail: true });
  }

  producer({ address, topic, count, rate }: Parameters<VerifiableClient['producer']>[0]): Command {
    const where = ['--bootstrap-server', address, '--topic', topic];
    const what = ['--max-messages', String(count), '--throughput', String(rate), '--acks', '-1'];
    const keys = ['--repeating-keys', String(KEYS)];
    // By default it does not retry.
    const properties = 'enable.idempotence=true\nretries=2147483647\n';
    return this.command(
      'kafka-verifiable-producer',
      [...where, ...what, ...keys, '--command-config', 'producer.properties'],
      { 'producer.properties': properties },
    );
  }

  consumer(options: Parameters<VerifiableClient['consumer']>[0]): Command {
    const { address, topic, group, instance, sessionTimeoutMs } = options;
    const where = ['--bootstrap-server', address, '--topic', topic, '--group-id', group];
    const how = ['--session-timeout', String(sessionTimeoutMs), '--reset-policy', 'earliest', '--verbose'];
    const member = instance === undefined ? [] : ['--group-instance-id', instance];
    return this.command('kafka-verifiable-consumer', [...where, ...how, ...member]);
  }
}
