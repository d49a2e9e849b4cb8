import { connect } from 'node:net';

/** Longest that a broker takes to answer; one that starts may accept and say nothing. */
const TIMEOUT_MS = 2_000;

/** Metadata version 1, of no topics: key 3, version, correlation id, client id of length 0, array of length 0. */
const REQUEST = Buffer.from('0000000e' + '0003' + '0001' + '00000000' + '0000' + '00000000', 'hex');
/** After the length and the correlation id. */
const COUNT_AT = 8;

/** How many brokers the one at the address knows of; none where it doesn't answer. */
export function listedBrokers(host: string, port: number): Promise<number> {
  const socket = connect({ host, port, timeout: TIMEOUT_MS });
  let answer = Buffer.alloc(0);
  return new Promise<number>((done) => {
    socket.once('connect', () => socket.write(REQUEST));
    socket.on('data', (chunk: Buffer) => {
      answer = Buffer.concat([answer, chunk]);
      if (answer.length >= COUNT_AT + 4) done(answer.readInt32BE(COUNT_AT));
    });
    // Not there yet, or closed without an answer.
    socket.once('timeout', () => socket.destroy());
    socket.once('error', () => done(0));
    socket.once('close', () => done(0));
  }).finally(() => socket.destroy());
}
