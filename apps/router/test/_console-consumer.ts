import { kafkaClasspath, kafkaTool } from '@hailstream/tools/kafka';

/** How long the consumer waits after the last record. */
const SILENCE_MS = 20_000;
const TIMEOUT_MS = 30 * 60_000;

/** A record as the console consumer prints it; it cannot have tabs or line feeds. */
interface PrintedRecord {
  readonly partition: number;
  /** Those of each name: the last one. */
  readonly headers: ReadonlyMap<string, string>;
  readonly key: string;
  readonly value: string;
}

/**
 * Reads all committed records of a topic with Apache Kafka's console consumer, in the order of each partition.
 *
 * @throws Error if the consumer fails, or `onRecord` throws it
 */
export async function consumeCommitted(
  address: string,
  topic: string,
  onRecord: (record: PrintedRecord) => void,
): Promise<void> {
  const printed = ['partition', 'headers', 'key', 'value'].flatMap((name) => [
    '--formatter-property',
    `print.${name}=true`,
  ]);
  const where = ['--bootstrap-server', address, '--topic', topic, '--from-beginning'];
  const how = ['--isolation-level', 'read_committed', '--timeout-ms', String(SILENCE_MS)];
  let records = 0;
  let failure: Error | undefined;
  const onLine = (line: string) => {
    // Its log is printed to the same stream.
    if (!line.startsWith('Partition:')) return;
    records += 1;
    try {
      onRecord(parse(line));
    } catch (error) {
      failure ??= error as Error;
    }
  };
  const { exitCode, stderr } = await kafkaTool(
    await kafkaClasspath(),
    'org.apache.kafka.tools.consumer.ConsoleConsumer',
    [...where, ...how, ...printed],
    { timeoutMs: TIMEOUT_MS, onLine },
  );
  if (failure !== undefined) throw failure;
  const [, processed] = /^Processed a total of (\d+) messages$/m.exec(stderr) ?? [];
  if (exitCode === 0 && processed === String(records)) return;
  throw new Error(`the console consumer printed ${records} records and exited with ${exitCode}: ${stderr}`);
}

/** `Partition:0`, headers as `name:value,name:value`, key and value, with tabs between them. */
function parse(line: string): PrintedRecord {
  const [partition = '', headers = '', key = '', value = ''] = line.split('\t');
  return {
    partition: Number(partition.replace('Partition:', '')),
    headers: new Map(
      headers.split(',').map((header) => {
        const [name = '', ...text] = header.split(':');
        return [name, text.join(':')];
      }),
    ),
    key,
    value,
  };
}
