import { LogError } from '@hailstream/log';
import { describe, expect, it } from 'vitest';
import { LoadError, isTransient } from './load.errors.js';

const fromPostgres = (code: string): Error => Object.assign(new Error('reported by Postgres'), { code });

describe('isTransient', () => {
  it.each([
    ['an unreachable log', new LogError('UNAVAILABLE', 'no broker', true)],
    ['a position that moved back', new LoadError('POSITION_MOVED_BACK', 'restored')],
    ['a starting database', fromPostgres('57P03')],
    ['an unreachable database', fromPostgres('ECONNREFUSED')],
    ['a full disk', fromPostgres('53100')],
  ])('is true for %s', (_, error) => expect(isTransient(error)).toBe(true));

  it.each([
    ['a log that rejects the client', new LogError('REFUSED', 'not allowed', false)],
    ['a wrong password', fromPostgres('28P01')],
    ['an unknown database', fromPostgres('3D000')],
    ['a missing right', fromPostgres('42501')],
    ['a bug in Hailstream', new TypeError('not a function')],
  ])('is false for %s', (_, error) => expect(isTransient(error)).toBe(false));
});
