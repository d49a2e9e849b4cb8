import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

/*
 * An HTTP server that accepts everything at once and keeps nothing: the sink of both sides. It answers a bulk request as
 * OpenSearch does, and all other requests with an empty object.
 */

const NEWLINE = 0x0a;
/** Of each document: an action and a source. */
const BULK_LINES = 2;
const STORED = '{"index":{"status":201}}';

const server = createServer((request, response) => {
  respond(request, response).catch((error: unknown) => {
    response.destroy(error as Error);
  });
});
server.listen(Number(process.env['PORT']), process.env['HOST']);
process.once('SIGTERM', () => {
  server.close();
  server.closeAllConnections();
});

async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
  let lines = 0;
  const isBulk = request.url?.startsWith('/_bulk') === true;
  for await (const chunk of request) if (isBulk) lines += linesIn(chunk as Buffer);
  response.setHeader('content-type', 'application/json');
  response.end(
    isBulk
      ? `{"items":[${Array(lines / BULK_LINES)
          .fill(STORED)
          .join()}]}`
      : '{}',
  );
}

function linesIn(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at !== -1; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return lines;
}
