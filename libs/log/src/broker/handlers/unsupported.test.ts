import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HANDLERS } from './index.js';

const text = readFileSync(new URL('../../../UNSUPPORTED.md', import.meta.url), 'utf8');
const listed = [...text.matchAll(/^\| +(\d+) +\| +(\w+) +\| +(\S.*?) +\|$/gm)].map(([, key, name, why]) => ({
  key: Number(key),
  name,
  why,
}));
/** Last key of the protocol that the table goes through one by one. */
const LAST_KEY = 69;

describe('UNSUPPORTED.md', () => {
  it('names no API that is served', () => {
    expect(listed.filter(({ key }) => HANDLERS.has(key))).toEqual([]);
  });

  it('names every API up to its last key that is not served, with a reason', () => {
    const missing = Array.from({ length: LAST_KEY + 1 }, (_, key) => key).filter(
      (key) => !HANDLERS.has(key) && !listed.some((each) => each.key === key && each.why !== ''),
    );
    expect(missing).toEqual([]);
  });
});
