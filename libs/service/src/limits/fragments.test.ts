import { describe, expect, it } from 'vitest';
import { isCrumbled } from './fragments.js';

describe(isCrumbled, () => {
  it.each([
    [{ fragments: 1_000, bytes: 1_000 }, false],
    [{ fragments: 1_020, bytes: 1_020 }, true],
    [{ fragments: 2_000, bytes: 64_000 }, false],
    [{ fragments: 2_000, bytes: 63_999 }, true],
    // A body of 2 MiB in packets, and in chunks of 64 bytes.
    [{ fragments: 1_500, bytes: 2_097_152 }, false],
    [{ fragments: 32_768, bytes: 2_097_152 }, false],
  ])('of %j is %j', (message, expected) => {
    expect(isCrumbled(message)).toBe(expected);
  });
});
