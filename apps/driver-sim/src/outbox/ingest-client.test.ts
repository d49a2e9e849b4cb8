import { describe, expect, it } from 'vitest';
import { readAnswer } from './ingest-client.http.js';

function answer(status: number, body: unknown, retryAfter?: string) {
  return readAnswer({ route: 'POST /telemetry', status, retryAfter, text: JSON.stringify(body) });
}

describe('readAnswer', () => {
  it('identifies failures by index, or by item if they have no index', () => {
    const item = { telemetry_id: 'x' };
    const failures = [
      { item, index: 3, error: 'bad_param', error_description: 'no', error_details: ['lat'] },
      { item, error: 'retryable', error_description: 'busy', error_details: [] },
    ];
    expect(answer(201, { success: 1, total: 3, failures })).toEqual({
      kind: 'processed',
      failures: [
        { event: { index: 3 }, retryable: false, reason: 'bad_param: no; lat' },
        { event: { item }, retryable: true, reason: 'retryable: busy' },
      ],
    });
  });

  it.each([500, 502, 503, 504, 429, 408])('treats %i as unavailable', (status) => {
    expect(answer(status, { title: 'Busy', detail: 'the log is unreachable' }, '2')).toEqual({
      kind: 'unavailable',
      reason: `${status} Busy: the log is unreachable`,
      retryAfterMs: 2_000,
    });
  });

  it('reads Retry-After as a date, and ignores other text', () => {
    const inTwentySeconds = new Date(Date.now() + 20_000).toUTCString();
    const dated = answer(503, {}, inTwentySeconds);
    expect(dated.kind === 'unavailable' && dated.retryAfterMs).toBeGreaterThan(15_000);
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
  ])('treats %i %j as a refusal', (status, body, reason) => {
    expect(answer(status, body)).toEqual({ kind: 'refused', reason });
  });
});
