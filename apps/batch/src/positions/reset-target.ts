/** Target of `positions reset`. */
export type ResetTarget =
  | { readonly kind: 'earliest' }
  | { readonly kind: 'latest' }
  | { readonly kind: 'offset'; readonly offset: bigint }
  | { readonly kind: 'time'; readonly timestampMs: number };

/** Describes what {@link parseResetTarget} accepts. */
export const RESET_TARGET_EXPECTED =
  'earliest, latest, an offset, or a time such as 2026-11-22T12:00:00Z (the first record received then or later)';

const OFFSET = /^\d{1,19}$/;
/** ISO 8601 with a time zone: without one, the meaning would depend on the machine. */
const TIME = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})$/;
const MAX_OFFSET = 2n ** 63n - 1n;

export function parseResetTarget(text: string): ResetTarget | undefined {
  if (text === 'earliest' || text === 'latest') return { kind: text };
  if (OFFSET.test(text)) {
    const offset = BigInt(text);
    return offset <= MAX_OFFSET ? { kind: 'offset', offset } : undefined;
  }
  const timestampMs = TIME.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(timestampMs) ? undefined : { kind: 'time', timestampMs };
}
