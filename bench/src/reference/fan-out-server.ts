import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { WebSocketServer } from 'ws';

/*
 * Sends recorded messages to all of its clients with `ws` alone, one per tick. The file is JSON: an array of messages, each a
 * string or the base64 of bytes.
 */

interface RecordedMessage {
  readonly isBinary: boolean;
  readonly data: string;
}

const [file = '', tickMs = '0'] = process.argv.slice(2);
const recorded = JSON.parse(readFileSync(file, 'utf8')) as readonly RecordedMessage[];
const messages = recorded.map(({ isBinary, data }) => ({
  isBinary,
  data: Buffer.from(data, isBinary ? 'base64' : 'utf8'),
}));
const http = createServer((_, response) => response.end());
const server = new WebSocketServer({ server: http, perMessageDeflate: false });
let next = 0;
setInterval(() => {
  const { data, isBinary } = messages[next++ % messages.length]!;
  for (const client of server.clients) client.send(data, { binary: isBinary });
}, Number(tickMs));
http.listen(Number(process.env['PORT']), process.env['HOST']);
process.once('SIGTERM', () => process.exit(0));
