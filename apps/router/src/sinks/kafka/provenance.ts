import { headersOf, NumberedHeaders, type LogRecord, type TopicPartition } from '@hailstream/log';

/** Headers with the origin of a copied record. A record that was copied several times has one group of them per copy. */
const PROVENANCE_HEADERS = {
  cluster: 'mirror-source-cluster',
  topic: 'mirror-source-topic',
  partition: 'mirror-source-partition',
  offset: 'mirror-source-offset',
} as const;

/** A partition and the id of its cluster. */
interface Source extends TopicPartition {
  readonly clusterId: string;
}

/** The headers that the records of a partition get, which differ in the offset only. */
export function provenanceOf({ clusterId, topic, partition }: Source): NumberedHeaders {
  const same = [
    { key: PROVENANCE_HEADERS.cluster, value: Buffer.from(clusterId) },
    { key: PROVENANCE_HEADERS.topic, value: Buffer.from(topic) },
    { key: PROVENANCE_HEADERS.partition, value: Buffer.from(String(partition)) },
  ];
  return new NumberedHeaders(same, PROVENANCE_HEADERS.offset);
}

/** Whether a record was copied from a cluster before, directly or through others. */
export function wasIn(clusterId: string, record: LogRecord): boolean {
  // Most records of a log that is not itself a copy lack the header.
  if (!(PROVENANCE_HEADERS.cluster in record.headers)) return false;
  return headersOf(record).some(
    ({ key, value }) => key === PROVENANCE_HEADERS.cluster && value?.toString() === clusterId,
  );
}
