const SEED = 0x9747b28c;
const MIX = 0x5bd1e995;
const MIX_SHIFT = 24;

/**
 * Kafka's own 32-bit murmur2, as a signed integer.
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

/** The partition that Kafka's default partitioner gives a key: every client of the topic agrees on it. */
export function partitionForKey(key: Uint8Array, partitionCount: number): number {
  return (murmur2(key) & 0x7fffffff) % partitionCount;
}

function byte(data: Uint8Array, index: number): number {
  return data[index] ?? 0;
}
