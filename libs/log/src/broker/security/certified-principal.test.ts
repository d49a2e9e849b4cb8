import { describe, expect, it } from 'vitest';
import { principalOf } from './certified-principal.js';

describe(principalOf, () => {
  it('is the distinguished name with the most specific part first', () => {
    const subject = { C: 'MC', O: 'Riviera, Rides', OU: ['a', 'b'], CN: 'ingest' } as unknown;
    expect(principalOf(subject as Parameters<typeof principalOf>[0])).toBe(
      'User:CN=ingest,OU=b,OU=a,O=Riviera\\, Rides,C=MC',
    );
  });
});
