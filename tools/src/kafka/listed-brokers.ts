import { connect } from 'node:net';

/** Time limit of a response: a broker that is starting may accept connections without responding. */
const TIMEOUT_MS = 2_000;

/** Metadata version 1, of no topics: key 3, version, correlation id, client id of length 0, array of length 0. */
const REQUEST = Buffer.from('0000000e' + '0003' + '0001' + '00000000' + '0000' + '00000000', 'hex');
/** After the length and the correlation id. */
const COUNT_AT = 8;

/** The number of brokers that the broker at the address lists; 0 if it does not respond. */
export function listedBrokers(host: string, port: number): Promise<number> {
  const socket = connect({ host, port, timeout: TIMEOUT_MS });
  let answer = Buffer.alloc(0);
  return new Promise<number>((done) => {
    socket.once('connect', () => socket.write(REQUEST));
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length >= COUNT_AT + 4) done(answer.readInt32BE(COUNT_AT));
    });
    // Not listening yet, or closed without a response.
    socket.once('timeout', () => socket.destroy());
    socket.once('error', () => done(0));
    socket.once('close', () => done(0));
  }).finally(() => socket.destroy());
}
