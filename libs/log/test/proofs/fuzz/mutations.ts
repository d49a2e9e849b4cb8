import { HANDLERS } from '../../../src/broker/handlers/index.js';
import type { AnyHandler } from '../../../src/broker/handlers/handler.js';
import { Codec } from '../../../src/compression/compression.js';
import { readRequestHeader } from '../../../src/protocol/headers.js';
import { Reader } from '../../../src/protocol/reader.js';
import { BATCH_HEADER_BYTES, sealBatch } from '../../../src/protocol/record-batch.js';
import { makeRecordBatch } from '../../../src/protocol/records.js';
import { request } from '../../broker/raw-client.js';
import { sampleRequests, SAMPLE_TOPIC } from '../../broker/samples.js';
import type { Random } from '@hailstream/service/testing';

/** A compacted topic, whose records the broker decodes. */
export const COMPACTED_TOPIC = 'squeezed';
const LENGTH_BYTES = 4;
const MAX_RANDOM_BYTES = 300;
const MAX_MUTATIONS = 4;
const MAX_PARTITIONS = 4;
/** Frequent wrong values of lengths, counts and offsets. */
const NASTY = [-0x80000000, -2, -1, 0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7ffffffe, 0x7fffffff];
const GROWING = new Set(['CreateTopics', 'CreatePartitions']);

/** Derives invalid frames from valid ones. */
export class FrameFuzzer {
  private readonly valid: readonly Buffer[];

  constructor(private readonly random: Random) {
    this.valid = validFrames();
  }

  /** A frame with its length prefix, which is correct unless it is the mutated field. */
  frame(): Buffer {
    for (;;) {
      const frame = this.anyFrame();
      if (!makesTopics(frame)) return frame;
    }
  }

  private anyFrame(): Buffer {
    const { random } = this;
    switch (random.below(12)) {
      case 0:
        return framed(random.bytes(random.below(MAX_RANDOM_BYTES)));
      case 1:
        // A request header followed by random bytes.
        return framed(
          Buffer.concat([
            this.body(this.aValid()).subarray(0, 12),
            random.bytes(random.below(MAX_RANDOM_BYTES)),
          ]),
        );
      case 2:
        return withWrongLength(this.aValid(), random);
      case 3:
      case 4:
        return this.produce();
      case 5:
        return this.aValid();
      default:
        return framed(this.mutated(this.body(this.aValid())));
    }
  }

  private aValid(): Buffer {
    return this.random.pick(this.valid);
  }

  private body(frame: Buffer): Buffer {
    return frame.subarray(LENGTH_BYTES);
  }

  private mutated(bytes: Buffer): Buffer {
    let mutated = bytes;
    for (let left = 1 + this.random.below(MAX_MUTATIONS); left > 0; left--)
      mutated = this.mutatedOnce(mutated);
    return mutated;
  }

  private mutatedOnce(bytes: Buffer): Buffer {
    const { random } = this;
    const at = random.below(bytes.length + 1);
    switch (random.below(7)) {
      case 0:
        return bytes.subarray(0, at);
      case 1: {
        const other = this.body(this.aValid());
        return Buffer.concat([bytes.subarray(0, at), other.subarray(random.below(other.length))]);
      }
      case 2:
        return Buffer.concat([bytes.subarray(0, at), random.bytes(random.below(8)), bytes.subarray(at)]);
      case 3:
        return Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + random.below(8))]);
      case 4:
        return withNastyNumber(bytes, random);
      default: {
        const flipped = Buffer.from(bytes);
        if (at < flipped.length) flipped[at] = (flipped[at] as number) ^ (1 << random.below(8));
        return flipped;
      }
    }
  }

  /** A valid request with invalid batches, with a correct or a wrong CRC. */
  private produce(): Buffer {
    const { random } = this;
    const records = [this.batch()];
    return request(0, 3 + random.below(7), random.below(1000), {
      transactionalId: null,
      acks: random.pick([-1, 0, 1]),
      timeoutMs: 1000,
      topics: [{ name: random.pick([SAMPLE_TOPIC, COMPACTED_TOPIC]), partitions: [{ index: 0, records }] }],
    });
  }

  private batch(): Buffer {
    const { random } = this;
    const entries = Array.from({ length: 1 + random.below(5) }, (_, i) => ({
      key: Buffer.from(`k${i}`),
      value: random.chance(0.2) ? null : random.bytes(random.below(50)),
    }));
    const batch = makeRecordBatch(entries, BigInt(Date.now()), {
      attributes: random.pick(Object.values(Codec)),
    });
    if (random.chance(0.2)) return batch;
    let mutated = Buffer.from(random.chance(0.5) ? this.mutatedOnce(batch) : withNastyNumber(batch, random));
    if (random.chance(0.3)) {
      mutated = Buffer.concat([
        batch.subarray(0, BATCH_HEADER_BYTES),
        this.mutatedOnce(batch.subarray(BATCH_HEADER_BYTES)),
      ]);
    }
    if (mutated.length < BATCH_HEADER_BYTES || random.chance(0.2)) return mutated;
    if (random.chance(0.8)) mutated.writeInt32BE(mutated.length - 12, 8);
    sealBatch(mutated);
    return mutated;
  }
}

/** A valid request for each version of each supported API. */
function validFrames(): Buffer[] {
  const samples = sampleRequests();
  return [...HANDLERS.values()].flatMap(({ apiKey, name, minVersion, maxVersion }) => {
    const body = samples[name];
    if (body === undefined) throw new Error(`no sample of ${name}`);
    return Array.from({ length: maxVersion - minVersion + 1 }, (_, i) =>
      request(apiKey, minVersion + i, i, body),
    );
  });
}

function framed(body: Buffer): Buffer {
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function withWrongLength(frame: Buffer, random: Random): Buffer {
  const wrong = Buffer.from(frame);
  const length = random.chance(0.5) ? random.pick(NASTY) : wrong.readInt32BE() + random.below(20) - 10;
  wrong.writeInt32BE(length | 0);
  return wrong;
}

function withNastyNumber(bytes: Buffer, random: Random): Buffer {
  const number = random.pick(NASTY);
  const wide = random.chance(0.5) ? 4 : 2;
  if (bytes.length < wide) return bytes;
  const wrong = Buffer.from(bytes);
  const at = random.below(bytes.length - wide + 1);
  if (wide === 4) wrong.writeInt32BE(number | 0, at);
  else wrong.writeUInt16BE(number & 0xffff, at);
  return wrong;
}

/** Returns whether a frame is a valid request for more topics or partitions than a test can hold. */
function makesTopics(frame: Buffer): boolean {
  try {
    const body = frame.subarray(LENGTH_BYTES);
    const { apiKey, apiVersion } = readRequestHeader(new Reader(body));
    const handler = HANDLERS.get(apiKey);
    if (handler === undefined || !GROWING.has(handler.name)) return false;
    const decoded = readBody(handler, body, apiVersion) as {
      validateOnly: boolean;
      topics: { numPartitions?: number; count?: number }[];
    };
    return (
      !decoded.validateOnly &&
      decoded.topics.some(
        ({ numPartitions = 0, count = 0 }) => Math.max(numPartitions, count) > MAX_PARTITIONS,
      )
    );
  } catch {
    // A frame that cannot be decoded creates nothing.
    return false;
  }
}

function readBody(handler: AnyHandler, body: Buffer, apiVersion: number): unknown {
  const flexible = apiVersion >= handler.flexibleFrom;
  const reader = new Reader(body, flexible, apiVersion);
  reader.raw(8);
  reader.raw(Math.max(reader.int16(), 0));
  if (flexible) reader.skipTaggedFields();
  return handler.request.read(reader);
}
