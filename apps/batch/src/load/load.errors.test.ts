import { LogError } from '@hailstream/log';
import { describe, expect, it } from 'vitest';
import { LoadError, passesByItself } from './load.errors.js';

const fromPostgres = (code: string): Error => Object.assign(new Error('said Postgres'), { code });

describe('passesByItself', () => {
  it.each([
    ['a log that is away', new LogError('UNAVAILABLE', 'no broker', true)],
    ['a load that was overtaken', new LoadError('POSITION_MOVED_BACK', 'restored')],
    ['a database that starts', fromPostgres('57P03')],
    ['a database that is away', fromPostgres('ECONNREFUSED')],
    ['a full disk', fromPostgres('53100')],
  ])('holds of %s', (_, error) => expect(passesByItself(error)).toBe(true));

  it.each([
    ['a log that refuses', new LogError('REFUSED', 'not allowed', false)],
    ['a wrong password', fromPostgres('28P01')],
    ['a database that there is none of', fromPostgres('3D000')],
    ['a right that is missing', fromPostgres('42501')],
    ['a defect of ours', new TypeError('not a function')],
  ])('does not hold of %s', (_, error) => expect(passesByItself(error)).toBe(false));
});
