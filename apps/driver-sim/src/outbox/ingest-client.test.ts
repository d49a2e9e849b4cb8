import { describe, expect, it } from 'vitest';
import { readAnswer } from './ingest-client.http.js';

function answer(status: number, body: unknown, retryAfter?: string) {
  return readAnswer({ route: 'POST /telemetry', status, retryAfter, text: JSON.stringify(body) });
}

describe('readAnswer', () => {
  it('takes a bulk answer, naming failures by index where there is one and by item else', () => {
    const item = { telemetry_id: 'x' };
    const failures = [
      { item, index: 3, error: 'bad_param', error_description: 'no', error_details: ['lat'] },
      { item, error: 'retryable', error_description: 'busy', error_details: [] },
    ];
    expect(answer(201, { success: 1, total: 3, failures })).toEqual({
      kind: 'answered',
      failures: [
        { event: { index: 3 }, passing: false, reason: 'bad_param: no; lat' },
        { event: { item }, passing: true, reason: 'retryable: busy' },
      ],
    });
  });

  it.each([500, 502, 503, 504, 429, 408])('takes %i for away', (status) => {
    expect(answer(status, { title: 'Busy', detail: 'the log is away' }, '2')).toEqual({
      kind: 'away',
      reason: `${status} Busy: the log is away`,
      retryAfterMs: 2_000,
    });
  });

  it('reads Retry-After as a date, too, and passes over what is neither', () => {
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    const dated = answer(503, {}, inAMinute);
    expect(dated.kind === 'away' && dated.retryAfterMs).toBeGreaterThan(50_000);
    expect(answer(503, {}, 'soon')).toMatchObject({ retryAfterMs: 0 });
  });

  it.each([
    [
      401,
      { title: 'Unauthorized', detail: 'no token' },
      'POST /telemetry answered 401 Unauthorized: no token',
    ],
    [404, 'not even an object', 'POST /telemetry answered 404'],
    [200, { ok: true }, 'POST /telemetry answered 200'],
    [201, { failures: [{}] }, 'POST /telemetry answered 201 with a failure that names no item'],
  ])('takes %i %j for a refusal', (status, body, reason) => {
    expect(answer(status, body)).toEqual({ kind: 'refused', reason });
  });
});
