import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HANDLERS } from './index.js';

const text = readFileSync(new URL('../../../UNSUPPORTED.md', import.meta.url), 'utf8');
const listed = [...text.matchAll(/^\| +(\d+) +\| +(\w+) +\| +(\S.*?) +\|$/gm)].map(([, key, name, why]) => ({
  key: Number(key),
  name,
  why,
}));
/** Last key of the protocol that the table lists individually. */
const LAST_KEY = 69;

describe('UNSUPPORTED.md', () => {
  it('lists no supported API', () => {
    expect(listed.filter(({ key }) => HANDLERS.has(key))).toEqual([]);
  });

  it('lists every unsupported API up to its last key, with the reason', () => {
    const missing = Array.from({ length: LAST_KEY + 1 }, (_, key) => key).filter(
      (key) => !HANDLERS.has(key) && !listed.some((each) => each.key === key && each.why !== ''),
    );
    expect(missing).toEqual([]);
  });
});
