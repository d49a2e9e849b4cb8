import type pg from 'pg';
import type { Pool } from '../src/database/pool.postgres.js';

/** A pool of which no statement reaches Postgres after a number of them, as if the process had been killed. */
export function failingAfter(pool: Pool, statements: number): Pool {
  let left = statements;
  const fail = (target: object): object =>
    new Proxy(target, {
      get(of, property) {
        const value = Reflect.get(of, property) as unknown;
        if (property === 'connect') return async () => fail(await pool.connect());
        if (property === 'release') return (error?: Error) => (of as pg.PoolClient).release(error);
        if (property === 'query') {
          return (...args: unknown[]) => {
            if (left === 0) return Promise.reject(new Error('killed'));
            left -= 1;
            return (value as (...of: unknown[]) => unknown).apply(of, args);
          };
        }
        return value;
      },
    });
  return fail(pool) as Pool;
}
