const SEED = 0x9747b28c;
const MIX = 0x5bd1e995;
const MIX_SHIFT = 24;

/**
 * Kafka's 32-bit murmur2, as a signed integer.
 *
 * @see https://github.com/apache/kafka, org.apache.kafka.common.utils.Utils#murmur2
 */
export function murmur2(data: Uint8Array): number {
  const wholeWords = data.length & ~3;
  let hash = SEED ^ data.length;
  for (let index = 0; index < wholeWords; index += 4) {
    let word =
      byte(data, index) |
      (byte(data, index + 1) << 8) |
      (byte(data, index + 2) << 16) |
      (byte(data, index + 3) << 24);
    word = Math.imul(word, MIX);
    word = Math.imul(word ^ (word >>> MIX_SHIFT), MIX);
    hash = Math.imul(hash, MIX) ^ word;
  }
  const rest = data.length - wholeWords;
  if (rest > 2) hash ^= byte(data, wholeWords + 2) << 16;
  if (rest > 1) hash ^= byte(data, wholeWords + 1) << 8;
  if (rest > 0) hash = Math.imul(hash ^ byte(data, wholeWords), MIX);
  hash = Math.imul(hash ^ (hash >>> 13), MIX);
  return hash ^ (hash >>> 15);
}

/** The partition that Kafka's default partitioner assigns to a key, as all its clients do. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}

/** Bytes that are sent to one partition before the next one is chosen: the default of Kafka's `batch.size`. */
const STICKY_BYTES = 16 * 1024;

/**
 * Chooses partitions for records without a key: one partition until {@link STICKY_BYTES} are sent to it, so that batches
 * are full, then a random one.
 *
 * @see https://cwiki.apache.org/confluence/display/KAFKA/KIP-794%3A+Strictly+Uniform+Sticky+Partitioner
 */
export class StickyPartitioner {
  private readonly current = new Map<string, { readonly partition: number; remainingBytes: number }>();

  /** @param random returns a number from 0 up to, not including, 1 */
  constructor(private readonly random: () => number = Math.random) {}

  choose(topic: string, partitionCount: number, sizeBytes: number): number {
    let current = this.current.get(topic);
    if (!current || current.remainingBytes <= 0) {
      const partition = Math.floor(this.random() * partitionCount);
      current = { partition, remainingBytes: STICKY_BYTES };
      this.current.set(topic, current);
    }
    current.remainingBytes -= sizeBytes;
    return current.partition;
  }
}

function byte(data: Uint8Array, index: number): number {
  return data[index] ?? 0;
}
