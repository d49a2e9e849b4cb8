import { createHmac, randomUUID } from 'node:crypto';
import { refusedWith, type AttackGroup, type Attempt } from '../target/attempt.js';
import { post, send } from '../target/http.js';
import { HOSTILE, NEIGHBOUR, point, SECRET, type Target } from '../target/target.js';

const HS256 = { alg: 'HS256', typ: 'JWT' };
const seconds = (offset: number): number => Math.floor(Date.now() / 1_000) + offset;
const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A signed token, without the code that the services verify it with. */
function sign(
  claims: object,
  { header = HS256, secret = SECRET }: { header?: object; secret?: string } = {},
): string {
  const text = `${encode(header)}.${encode(claims)}`;
  return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`;
}

const write = (changes: object = {}): object => ({
  scope: 'write',
  provider_id: HOSTILE,
  exp: seconds(600),
  ...changes,
});
const read = (changes: object = {}): object => ({
  scope: 'read',
  provider_id: HOSTILE,
  exp: seconds(600),
  ...changes,
});

/** Tokens that must open nothing, for writing and for reading. */
const forged = (claims: (changes?: object) => object): Readonly<Record<string, string>> => {
  const good = sign(claims());
  const [header = '', payload = '', signature = ''] = good.split('.');
  return {
    'no signature': `${header}.${payload}.`,
    'the algorithm none': `${encode({ alg: 'none' })}.${payload}.`,
    'the algorithm NONE with a signature': `${encode({ alg: 'NONE' })}.${payload}.${signature}`,
    'another algorithm': sign(claims(), { header: { alg: 'HS512', typ: 'JWT' } }),
    'another secret': sign(claims(), { secret: 'another secret of the same length !!' }),
    'an empty secret': sign(claims(), { secret: '' }),
    'claims of another token': `${header}.${encode(claims({ provider_id: NEIGHBOUR }))}.${signature}`,
    'an expired token': sign(claims({ exp: seconds(-3_600) })),
    'a token of the future': sign(claims({ nbf: seconds(3_600) })),
    'a token that expires after the end of time': sign(claims({ exp: 1e300 })),
    'a token that expired before the beginning of time': sign(claims({ exp: -1e300 })),
    'a token that expires as text': sign(claims({ exp: 'never' })),
    'a list as provider': sign(claims({ provider_id: [HOSTILE, NEIGHBOUR] })),
    'a provider that is not a UUID': sign(claims({ provider_id: `${NEIGHBOUR}' OR 1=1` })),
    'a list of scopes': sign(claims({ scope: ['read', 'write'] })),
    'no scope': sign(claims({ scope: '' })),
    'a key in the header': sign(claims(), {
      header: { ...HS256, jwk: { kty: 'oct', k: encode('x') } },
      secret: 'x',
    }),
    'a critical header': sign(claims(), { header: { ...HS256, crit: ['hostile'], hostile: true } }),
    'a token of 100 KB': sign(claims({ name: 'a'.repeat(100_000) })),
    '10,000 dots': '.'.repeat(10_000),
    text: 'hostile',
    nothing: '',
  };
};

const writing = ([name, token]: [string, string]): Attempt => ({
  name: `${name}, to write`,
  run: async ({ ingest }) => {
    const { status } = await post(`${ingest.url}/telemetry`, [point(HOSTILE)], token);
    // A header that is too long closes the connection.
    return status === 0 ? undefined : refusedWith(status, 401, 403, 429, 431);
  },
});

const reading = ([name, token]: [string, string]): Attempt => ({
  name: `${name}, to read`,
  run: async ({ realtime, batch }) => {
    for (const url of [`${realtime.url}/vehicles`, `${realtime.url}/stats`, `${batch.url}/runs`]) {
      const { status } = await send(url, { token });
      const problem = status === 0 ? undefined : refusedWith(status, 401, 403, 429, 431);
      if (problem !== undefined) return `${url}: ${problem}`;
    }
    return undefined;
  },
});

/** An event of another provider is named in the response and not written. */
const otherProvider = (name: string, path: string, item: () => object): Attempt => ({
  name,
  async run(target) {
    const token = sign(write());
    const { status, text } = await post(target.ingest.url + path, [item()], token);
    return status === 400 || status === 403 || (status === 201 && text.includes('"success":0'))
      ? undefined
      : `status ${status}: ${text.slice(0, 200)}`;
  },
});

const valid = (name: string, run: (target: Target) => Promise<number>, ...expected: number[]): Attempt => ({
  name,
  run: async (target) => refusedWith(await run(target), ...expected),
});

/** A token that was revoked by signing out reads nothing, also if its signature is written in another way. */
const revoked: Attempt = {
  name: 'a token that was revoked',
  async run({ realtime }) {
    const token = sign(read({ jti: randomUUID() }));
    const session = `${realtime.url}/session`;
    const opened = await fetch(session, { method: 'POST', headers: { authorization: `Bearer ${token}` } });
    const cookie = opened.headers.get('set-cookie')?.split(';')[0] ?? '';
    const ended = await fetch(session, { method: 'DELETE', headers: { cookie } });
    if (opened.status !== 200 || ended.status !== 204)
      return `sign-in ${opened.status}, sign-out ${ended.status}`;
    for (const text of [token, `${token}=`]) {
      const { status } = await send(`${realtime.url}/vehicles`, { token: text });
      const problem = refusedWith(status, 401, 429);
      if (problem !== undefined) return problem;
    }
    const { status } = await send(`${realtime.url}/vehicles`, { headers: { cookie } });
    return refusedWith(status, 401, 429);
  },
};

/** Tokens that are forged, and valid ones used for what they do not allow. */
export const tokensGroup: AttackGroup = {
  name: 'tokens',
  attempts: () => [
    ...Object.entries(forged(write)).map(writing),
    ...Object.entries(forged(read)).map(reading),
    otherProvider('telemetry of another provider', '/telemetry', () => point(NEIGHBOUR)),
    otherProvider('a provider in other letters', '/telemetry', () => point(NEIGHBOUR.toUpperCase())),
    otherProvider('two providers in one item', '/telemetry', () => ({
      ...point(HOSTILE),
      provider_id: [HOSTILE, NEIGHBOUR],
    })),
    revoked,
    valid(
      'a token to read writes',
      async ({ ingest }) => (await post(`${ingest.url}/telemetry`, [point(HOSTILE)], sign(read()))).status,
      401,
      403,
    ),
    valid(
      'a token to write reads',
      async ({ realtime }) => (await send(`${realtime.url}/vehicles`, { token: sign(write()) })).status,
      401,
      403,
    ),
    valid(
      'a token of a provider reads the runs of all',
      async ({ batch }) => (await send(`${batch.url}/runs`, { token: sign(read()) })).status,
      403,
    ),
    valid(
      'a token to read starts a load',
      async ({ batch }) => (await post(`${batch.url}/runs`, {}, sign(read()))).status,
    ),
    valid(
      'a vehicle of another provider',
      async ({ realtime }) =>
        (
          await send(`${realtime.url}/vehicles/${randomUUID()}?provider_id=${NEIGHBOUR}`, {
            token: sign(read()),
          })
        ).status,
      403,
      404,
    ),
    valid(
      'a token that writes for all providers',
      async ({ ingest }) =>
        (await post(`${ingest.url}/telemetry`, [point(NEIGHBOUR)], sign(write({ provider_id: '*' })))).status,
      401,
      403,
      429,
    ),
  ],
};
