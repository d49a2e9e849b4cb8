import { describe, expect, it } from 'vitest';
import { alertExample, alertValidator } from './alerts.js';
import { erasureExample, erasureValidator } from './erasures.js';
import { revocationExample, revocationValidator } from './sessions.js';

/** A record of a later version: a new field in each object. */
function withNewFields(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const fields = Object.entries(value).map(([name, field]) => [name, withNewFields(field)]);
  return { ...Object.fromEntries(fields), added_later: 'new' };
}

describe('records that Hailstream writes for itself', () => {
  it.each([
    ['alerts', alertValidator, alertExample],
    ['erasures', erasureValidator, erasureExample],
    ['sessions', revocationValidator, revocationExample],
  ])('are accepted with fields that a later version adds: %s', (_name, validator, example) => {
    expect(validator.issues(withNewFields(example))).toEqual([]);
  });

  it('are refused without a required field', () => {
    const { id: _, ...erasure } = erasureExample;
    expect(erasureValidator.issues(erasure)).not.toEqual([]);
  });
});
