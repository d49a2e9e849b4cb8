import { connect } from 'node:net';

/** Requests of an administrative client, encoded as the protocol guide specifies. */

const int16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return bytes;
}
const text = (value: string): Buffer => Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);

async function request(
  { address }: { readonly address: string },
  { apiKey, version, body }: { apiKey: number; version: number; body: readonly Buffer[] },
): Promise<Buffer> {
  const [host, port] = address.split(':');
  const message = Buffer.concat([int16(apiKey), int16(version), int32(1), text('test'), ...body]);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), host);
    let answer = Buffer.alloc(0);
    socket.on('error', reject);
    socket.on('close', () => reject(new Error('the broker closed the connection')));
    socket.on('data', (bytes) => {
      answer = Buffer.concat([answer, bytes]);
      if (answer.length < 4 || answer.length < 4 + answer.readInt32BE(0)) return;
      resolve(answer.subarray(8));
      socket.destroy();
    });
    socket.write(Buffer.concat([int32(message.length), message]));
  });
}

/** DeleteTopics, version 1. */
export async function deleteTopic(broker: { readonly address: string }, topic: string): Promise<void> {
  const body = [int32(1), text(topic), int32(10_000)];
  const answer = await request(broker, { apiKey: 20, version: 1, body });
  const error = answer.readInt16BE(answer.length - 2);
  if (error !== 0) throw new Error(`DeleteTopics: error ${error}`);
}

/** CreatePartitions, version 0: sets the number of partitions of a topic. */
export async function createPartitions(
  broker: { readonly address: string },
  topic: string,
  count: number,
): Promise<void> {
  const body = [int32(1), text(topic), int32(count), int32(-1), int32(10_000), Buffer.from([0])];
  const answer = await request(broker, { apiKey: 37, version: 0, body });
  const error = answer.readInt16BE(4 + 4 + 2 + Buffer.byteLength(topic));
  if (error !== 0) throw new Error(`CreatePartitions: error ${error}`);
}

/** DeleteRecords, version 0: deletes the records of a partition before an offset. */
export async function deleteRecords(
  broker: { readonly address: string },
  { topic, partition, before }: { topic: string; partition: number; before: bigint },
): Promise<void> {
  const body = [int32(1), text(topic), int32(1), int32(partition), int64(before), int32(10_000)];
  const answer = await request(broker, { apiKey: 21, version: 0, body });
  const error = answer.readInt16BE(answer.length - 2);
  if (error !== 0) throw new Error(`DeleteRecords: error ${error}`);
}
