import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AuthenticationError, type SaslExchange } from './exchange.js';
import { PlainExchange } from './plain-exchange.js';
import { makeVerifier } from './scram-keys.js';
import { ScramExchange } from './scram-exchange.js';
import type { Users } from './users.js';

async function usersOf(name: string, password: string): Promise<Users> {
  const [sha256, sha512] = await Promise.all([
    makeVerifier('sha256', password),
    makeVerifier('sha512', password),
  ]);
  return new Map([[name, { sha256, sha512 }]]);
}

describe('PlainExchange', () => {
  it('accepts a valid name and password', async () => {
    const plain = new PlainExchange(await usersOf('ada', 'p:ä'));
    for (const token of ['\0ada\0p:ä', 'ada\0ada\0p:ä']) {
      expect((await plain.next(Buffer.from(token))).user).toBe('ada');
    }
  });

  it.each([
    '',
    'ada',
    '\0ada',
    '\0ada\0',
    '\0\0p',
    '\0ada\0P',
    '\0bob\0p',
    'bob\0ada\0p',
    '\0ada\0p\0',
    '\0ada\0p\0x',
  ])('rejects %j', async (token) => {
    const plain = new PlainExchange(await usersOf('ada', 'p'));
    await expect(plain.next(Buffer.from(token))).rejects.toThrow(AuthenticationError);
  });
});

describe('any exchange', () => {
  it('rejects any other token with an authentication error', async () => {
    const users = await usersOf('ada', 'secret');
    const texts = fc.oneof(fc.string(), fc.constantFrom('n,,n=ada,r=abc', 'c=biws,r=abc,p=AAAA', '\0ada\0x'));
    const tokens = fc.oneof(
      fc.uint8Array().map(Buffer.from),
      texts.map((text) => Buffer.from(text)),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(tokens, { maxLength: 3 }), async (sent) => {
        const exchanges: SaslExchange[] = [new PlainExchange(users), new ScramExchange('sha256', users)];
        for (const exchange of exchanges) {
          for (const token of sent) {
            try {
              expect((await exchange.next(token)).user).toBeUndefined();
            } catch (error) {
              expect(error).toBeInstanceOf(AuthenticationError);
              break;
            }
          }
        }
      }),
    );
  });
});
