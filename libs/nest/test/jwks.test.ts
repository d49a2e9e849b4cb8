import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { TokenVerifier } from '@hailstream/nest';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

describe('TokenVerifier with a key set', () => {
  let server: Server;
  let url: string;
  let privateKey: KeyObject;
  let asked = 0;

  beforeEach(async () => {
    const pair = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    privateKey = pair.privateKey;
    asked = 0;
    const keys = [{ ...pair.publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'ES256', use: 'sig' }];
    server = createServer((_, response) => {
      asked += 1;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }));
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks.json`;
  });

  afterEach(() => void server.close());

  const sign = (kid: string): Promise<string> =>
    new SignJWT({ scope: 'read' })
      .setProtectedHeader({ alg: 'ES256', kid })
      .setExpirationTime('1h')
      .sign(privateKey);

  it('fetches the keys once', async () => {
    const verifier = new TokenVerifier({ kind: 'jwks', url });
    await verifier.verify(await sign('one'));
    await verifier.verify(await sign('one'));
    expect(asked).toBe(1);
  });

  it('refuses a token of a key that is not in the set', async () => {
    const verifier = new TokenVerifier({ kind: 'jwks', url });
    await expect(verifier.verify(await sign('two'))).rejects.toMatchObject({ code: 'TOKEN_INVALID' });
  });

  it('does not blame the token where the keys are away', async () => {
    server.close();
    server.closeAllConnections();
    await once(server, 'close');
    const verifier = new TokenVerifier({ kind: 'jwks', url });
    await expect(verifier.verify(await sign('one'))).rejects.toMatchObject({ code: 'KEYS_UNAVAILABLE' });
  });
});
