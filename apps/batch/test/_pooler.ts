import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Startup parameters that PgBouncer accepts. It closes the connection on any other. */
const STARTUP_PARAMETERS = new Set([
  'user',
  'database',
  'application_name',
  'client_encoding',
  'datestyle',
  'timezone',
  'standard_conforming_strings',
]);
const BACKEND_KEY_DATA = 'K'.charCodeAt(0);

/**
 * A pooler that behaves like PgBouncer, with one server connection per client: it rejects unknown startup parameters,
 * and replaces the process id.
 */
export async function startPooler(server: URL): Promise<Server> {
  const pooler = createServer((client) => {
    client.on('error', () => {});
    client.once('data', (startup) => {
      const unknown = parametersOf(startup).find((name) => !STARTUP_PARAMETERS.has(name.toLowerCase()));
      if (unknown !== undefined) return client.end(refusal(`unsupported startup parameter: ${unknown}`));
      const upstream = connect(Number(server.port), server.hostname);
      upstream.on('error', () => client.destroy());
      upstream.write(startup);
      client.pipe(upstream);
      forward(upstream, client);
    });
  });
  pooler.listen(0, '127.0.0.1');
  await once(pooler, 'listening');
  return pooler;
}

/** Grammar: length:int32 version:int32 (name:cstring value:cstring)* 0. */
function parametersOf(startup: Buffer): string[] {
  const texts = startup.toString('utf8', 8, startup.readInt32BE(0)).split('\0');
  return texts.filter((text, index) => index % 2 === 0 && text !== '');
}

/** ErrorResponse: 'E' length:int32 (field:byte text:cstring)* 0. */
function refusal(message: string): Buffer {
  const fields = Buffer.from(`SFATAL\0C08P01\0M${message}\0\0`);
  const head = Buffer.from('E\0\0\0\0');
  head.writeInt32BE(fields.length + 4, 1);
  return Buffer.concat([head, fields]);
}

/** Forwards messages: kind:byte length:int32 body. It replaces the process id in BackendKeyData. */
function forward(upstream: Socket, client: Socket): void {
  let waiting = Buffer.alloc(0);
  let isStarted = false;
  upstream.on('data', (bytes) => {
    if (isStarted) return void client.write(bytes);
    waiting = Buffer.concat([waiting, bytes]);
    while (!isStarted && waiting.length >= 5 && waiting.length >= 1 + waiting.readInt32BE(1)) {
      const message = waiting.subarray(0, 1 + waiting.readInt32BE(1));
      waiting = waiting.subarray(message.length);
      isStarted = message[0] === BACKEND_KEY_DATA;
      if (isStarted) message.writeInt32BE(message.readInt32BE(5) + 100_000, 5);
      client.write(message);
    }
    if (isStarted) client.write(waiting);
  });
  upstream.on('end', () => client.end());
}

/** The URL of a database through a pooler. */
export function urlThrough(pooler: Server, databaseUrl: string): string {
  const url = new URL(databaseUrl);
  const { port } = pooler.address() as { port: number };
  url.host = `127.0.0.1:${port}`;
  return url.href;
}
