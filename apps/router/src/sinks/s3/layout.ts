/*
 * Keys of a job's objects. `P` is the job's prefix, offsets have 20 digits, so that keys sort by offset.
 *
 *   P topic=T/date=YYYY-MM-DD/hour=HH/T-PPPPP-FROM-TO.EXT   records of one block and one hour
 *   P topic=T/date=YYYY-MM-DD/hour=HH/_manifest.json        the objects that have records of the hour
 *   P late/topic=T/date=YYYY-MM-DD/hour=HH/T-PPPPP-FROM-TO.EXT   late records of a block, by the hour of their receipt
 *   P _rewrites/KEY                                        the next content of the object KEY, while it is replaced
 *   P _blocks/topic=T/log.json                              the ids of the cluster and the topic that the records are from
 *   P _blocks/topic=T/partition=PPPPP/FROM.json             a block: its range of offsets and its objects
 */
const OFFSET_DIGITS = 20;
const PARTITION_DIGITS = 5;
const HOUR_MS = 3_600_000;

/** Offsets `from` up to, but not including, `to` of a partition. */
export interface BlockRange {
  readonly topic: string;
  readonly partition: number;
  readonly from: bigint;
  readonly to: bigint;
}

/** Key of the object with the records of a block that belong to one hour (milliseconds since 1970), or that are late. */
export function objectKey(
  prefix: string,
  { topic, partition, from, to }: BlockRange,
  {
    hourMs,
    isLate,
    extension,
  }: { readonly hourMs: number; readonly isLate: boolean; readonly extension: string },
): string {
  const name = `${topic}-${paddedPartition(partition)}-${paddedOffset(from)}-${paddedOffset(to)}.${extension}`;
  return `${prefix}${isLate ? 'late/' : ''}${hourFolder(topic, hourMs)}${name}`;
}

/** Key of the manifest of an hour. */
export function hourManifestKey(prefix: string, topic: string, hourMs: number): string {
  return `${prefix}${hourFolder(topic, hourMs)}_manifest.json`;
}

/** Key of the manifest of the block that starts at an offset. */
export function blockManifestKey(prefix: string, { topic, partition, from }: Omit<BlockRange, 'to'>): string {
  return `${blockFolder(prefix, topic, partition)}${paddedOffset(from)}.json`;
}

/** Prefix of the objects that replace others. */
export function rewritesFolder(prefix: string): string {
  return `${prefix}_rewrites/`;
}

/** Key of the next content of an object, while it is replaced. */
export function rewriteKey(prefix: string, key: string): string {
  return `${rewritesFolder(prefix)}${key.slice(prefix.length)}`;
}

/** Key of the object that is replaced. */
export function rewrittenKey(prefix: string, key: string): string {
  return `${prefix}${key.slice(rewritesFolder(prefix).length)}`;
}

/** Key of the object with the identity of the topic. */
export function logIdentityKey(prefix: string, topic: string): string {
  return `${prefix}_blocks/topic=${topic}/log.json`;
}

/** Prefix of the block manifests of a partition. */
export function blockFolder(prefix: string, topic: string, partition: number): string {
  return `${prefix}_blocks/topic=${topic}/partition=${paddedPartition(partition)}/`;
}

/** The range of offsets in the key of an object with records; `undefined` if the key is of another kind. */
export function rangeOfKey(key: string): BlockRange | undefined {
  const [, topic, partition, from, to] =
    /\/topic=([^/]+)\/date=[^/]+\/hour=\d\d\/\1-(\d{5})-(\d{20})-(\d{20})\./.exec(`/${key}`) ?? [];
  if (topic === undefined || partition === undefined || from === undefined || to === undefined)
    return undefined;
  return { topic, partition: Number(partition), from: BigInt(from), to: BigInt(to) };
}

/** Start of the hour (UTC) of a time in milliseconds. */
export function hourOf(timeMs: number): number {
  return Math.floor(timeMs / HOUR_MS) * HOUR_MS;
}

function hourFolder(topic: string, hourMs: number): string {
  const iso = new Date(hourMs).toISOString();
  return `topic=${topic}/date=${iso.slice(0, 10)}/hour=${iso.slice(11, 13)}/`;
}

function paddedOffset(offset: bigint): string {
  return String(offset).padStart(OFFSET_DIGITS, '0');
}

function paddedPartition(partition: number): string {
  return String(partition).padStart(PARTITION_DIGITS, '0');
}
