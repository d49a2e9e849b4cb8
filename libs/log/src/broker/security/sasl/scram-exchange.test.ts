import { createHash, createHmac, pbkdf2Sync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AuthenticationError } from './exchange.js';
import { makeVerifier } from './scram-keys.js';
import { ScramExchange } from './scram-exchange.js';
import type { Users } from './users.js';

/** The example of RFC 7677, section 3. */
const RFC = {
  password: 'pencil',
  salt: Buffer.from('W22ZaJ0SNY7soEsUEjb6gQ==', 'base64'),
  serverNonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
  clientFirst: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
  serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  clientFinal:
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
};

async function usersOf(...names: string[]): Promise<Users> {
  const sha256 = await makeVerifier('sha256', RFC.password, { salt: RFC.salt });
  const sha512 = await makeVerifier('sha512', RFC.password, { salt: RFC.salt });
  return new Map(names.map((name) => [name, { sha256, sha512 }]));
}

async function exchange(): Promise<ScramExchange> {
  return new ScramExchange('sha256', await usersOf('user'), RFC.serverNonce);
}

/** Answers the server's first message as a client with this password. `noncePrefix`: as sent by old librdkafka. */
function answer(clientFirst: string, serverFirst: string, password: string, noncePrefix = ''): string {
  const [, gs2Header = '', bare = ''] = /^(.,.*?,)(n=.*)$/.exec(clientFirst) ?? [];
  const [, nonce = '', salt = '', iterations = ''] = /^r=(.*),s=(.*),i=(.*)$/.exec(serverFirst) ?? [];
  const hmac = (key: Buffer, text: string) => createHmac('sha512', key).update(text).digest();
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 64, 'sha512');
  const clientKey = hmac(salted, 'Client Key');
  const withoutProof = `c=${Buffer.from(gs2Header).toString('base64')},r=${noncePrefix}${nonce}`;
  const storedKey = createHash('sha512').update(clientKey).digest();
  const signature = hmac(storedKey, `${bare},${serverFirst},${withoutProof}`);
  const proof = Buffer.from(clientKey.map((byte, i) => byte ^ (signature[i] as number)));
  return `${withoutProof},p=${proof.toString('base64')}`;
}

describe('ScramExchange', () => {
  it('completes the example of RFC 7677', async () => {
    const scram = await exchange();
    expect(String(scram.next(Buffer.from(RFC.clientFirst)).reply)).toBe(RFC.serverFirst);
    const last = scram.next(Buffer.from(RFC.clientFinal));
    expect({ reply: String(last.reply), user: last.user }).toEqual({ reply: RFC.serverFinal, user: 'user' });
  });

  it('accepts escaped names, the name as authorization id, and SHA-512', async () => {
    const users = await usersOf('a,b=c');
    for (const clientFirst of ['n,,n=a=2Cb=3Dc,r=abc', 'y,a=a=2Cb=3Dc,n=a=2Cb=3Dc,r=abc,tokenauth=false']) {
      const scram = new ScramExchange('sha512', users);
      const serverFirst = String(scram.next(Buffer.from(clientFirst)).reply);
      expect(scram.next(Buffer.from(answer(clientFirst, serverFirst, RFC.password))).user).toBe('a,b=c');
    }
  });

  it("accepts a final message with the client's nonce twice, as sent by librdkafka before 2.6.1", async () => {
    const clientFirst = 'n,,n=user,r=abc';
    const scram = new ScramExchange('sha512', await usersOf('user'));
    const serverFirst = String(scram.next(Buffer.from(clientFirst)).reply);
    const clientFinal = answer(clientFirst, serverFirst, RFC.password, 'abc');
    expect(scram.next(Buffer.from(clientFinal)).user).toBe('user');
  });

  it('rejects a wrong password and an unknown user with the same message', async () => {
    const users = await usersOf('user');
    const rejections = ['user', 'stranger'].map((name) => {
      const clientFirst = `n,,n=${name},r=abc`;
      const scram = new ScramExchange('sha512', users);
      const serverFirst = String(scram.next(Buffer.from(clientFirst)).reply);
      const salts = [
        serverFirst,
        String(new ScramExchange('sha512', users).next(Buffer.from(clientFirst)).reply),
      ];
      expect(new Set(salts.map((text) => /s=[^,]*/.exec(text)?.[0])).size).toBe(1);
      return errorOf(() => scram.next(Buffer.from(answer(clientFirst, serverFirst, 'pencils'))));
    });
    expect(rejections).toEqual(Array(2).fill('invalid user name or password (SCRAM-SHA-512)'));
  });

  it.each([
    ['nothing', ''],
    ['channel binding', 'p=tls-unique,,n=user,r=abc'],
    ['an extension that has to be understood', 'n,,m=x,n=user,r=abc'],
    ['no nonce', 'n,,n=user'],
    ['no name', 'n,,n=,r=abc'],
    ['a name that is not escaped', 'n,,n=a=b,r=abc'],
    ['another authorization id', 'n,a=admin,n=user,r=abc'],
  ])('rejects a first message with %s', async (_, message) => {
    const scram = await exchange();
    expect(() => scram.next(Buffer.from(message))).toThrow(AuthenticationError);
  });

  it.each([
    ['another nonce', RFC.clientFinal.replace('r=rOpr', 'r=sOpr')],
    ['another header', RFC.clientFinal.replace('c=biws', 'c=eSws')],
    ['a proof that is not base64', RFC.clientFinal.replace('p=dHzb', 'p=****')],
    ['a short proof', RFC.clientFinal.replace(/p=.*/, 'p=dHzb')],
    ['no proof', RFC.clientFinal.replace(/,p=.*/, '')],
    ['a proof that is wrong in one bit', RFC.clientFinal.replace('p=dHzb', 'p=dHzc')],
  ])('rejects a final message with %s', async (_, message) => {
    const scram = await exchange();
    scram.next(Buffer.from(RFC.clientFirst));
    expect(() => scram.next(Buffer.from(message))).toThrow(AuthenticationError);
  });
});

function errorOf(step: () => unknown): string {
  try {
    step();
  } catch (error) {
    return (error as Error).message;
  }
  return 'none';
}
