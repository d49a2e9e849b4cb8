import { WebSocket } from 'ws';

/*
 * Clients of one kind in a process of their own. Prints `ready` once every client has received a message, then receives for a
 * while and prints what was received as JSON: {"messages": 1, "bytes": 2}.
 */

/** How clients of each kind subscribe, and which messages are frames of vehicles. */
const kinds: Readonly<
  Record<
    string,
    {
      path: string;
      onText: (text: string) => readonly string[];
      first: readonly string[];
      isFrame: (data: Buffer, isBinary: boolean) => boolean;
    }
  >
> = {
  'socket.io-json': socketIo(
    {},
    (data, isBinary) => !isBinary && data.subarray(0, 8).toString() === '42["fram',
  ),
  'socket.io-binary': socketIo({ binary: 1 }, (_, isBinary) => isBinary),
  ws: { path: '/', first: [], onText: () => [], isFrame: () => true },
  centrifugo: {
    path: '/connection/websocket',
    first: ['{"id":1,"connect":{}}'],
    onText: (text) => {
      if (text.includes('"connect"')) return ['{"id":2,"subscribe":{"channel":"room"}}'];
      return text === '{}' ? ['{}'] : [];
    },
    isFrame: (data) => data.subarray(0, 7).toString() === '{"push"',
  },
};

/** Messages longer than this are frames, which are not parsed. */
const MAX_CONTROL_BYTES = 400;

function socketIo(auth: object, isFrame: (data: Buffer, isBinary: boolean) => boolean) {
  const world = { west: -180, south: -90, east: 180, north: 90 };
  return {
    path: '/socket.io/?EIO=4&transport=websocket',
    first: [],
    onText: (text: string) => {
      if (text.startsWith('0')) return [`40${JSON.stringify(auth)}`];
      if (text.startsWith('40')) return [`42${JSON.stringify(['viewport', world])}`];
      return text === '2' ? ['3'] : [];
    },
    isFrame,
  };
}

const [kindName = '', url = '', count = '0', durationMs = '0'] = process.argv.slice(2);
const kind = kinds[kindName];
if (kind === undefined)
  throw new Error(`expected one of ${Object.keys(kinds).join(', ')}, got "${kindName}"`);
let waiting = Number(count);
let messages = 0;
let bytes = 0;

for (let index = 0; index < Number(count); index += 1) {
  const socket = new WebSocket(url + kind.path, { perMessageDeflate: false });
  let hasFrame = false;
  socket.on('open', () => {
    for (const text of kind.first) socket.send(text);
  });
  socket.on('error', (error) => {
    throw error;
  });
  socket.on('message', (data: Buffer, isBinary) => {
    if (!isBinary && data.length <= MAX_CONTROL_BYTES) {
      for (const answer of kind.onText(data.toString())) socket.send(answer);
    }
    if (!kind.isFrame(data, isBinary)) return;
    messages += 1;
    bytes += data.length;
    if (hasFrame) return;
    hasFrame = true;
    waiting -= 1;
    if (waiting === 0) measure();
  });
}

function measure(): void {
  messages = 0;
  bytes = 0;
  process.stdout.write('ready\n');
  setTimeout(() => {
    process.stdout.write(`${JSON.stringify({ messages, bytes })}\n`, () => process.exit(0));
  }, Number(durationMs));
}
