import { createRequire } from 'node:module';

/*
 * If a connection closes in the middle of a response, kafkajs keeps the first part. After it has connected again, it would read
 * that part as the start of the first response, fail with an exception that nobody catches, or wait for bytes that never come.
 */
interface Connection {
  isConnected(): boolean;
  connect(): Promise<true>;
  chunks: Buffer[];
  bytesBuffered: number;
  bytesNeeded: number;
}

const LENGTH_BYTES = 4;

const require = createRequire(import.meta.url);
const { prototype } = require('kafkajs/src/network/connection.js') as { prototype: Connection };
const original = Object.getOwnPropertyDescriptor(prototype, 'connect')!.value as (
  this: Connection,
) => Promise<true>;

prototype.connect = function (this: Connection): Promise<true> {
  if (!this.isConnected()) {
    this.chunks = [];
    this.bytesBuffered = 0;
    this.bytesNeeded = LENGTH_BYTES;
  }
  return original.call(this);
};
