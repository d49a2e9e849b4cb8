import { describe, expect, it } from 'vitest';
import { ArrivingRequests } from './arriving-requests.js';

describe(ArrivingRequests, () => {
  const set = (requests: ArrivingRequests<string>, address: string, connection: string, bytes: number) =>
    requests.set(connection, { address, bytes });

  it('returns the oldest of the address with most bytes above the limit', () => {
    const requests = new ArrivingRequests<string>(100);
    expect(set(requests, 'a', 'a1', 10)).toBeUndefined();
    expect(set(requests, 'b', 'b1', 30)).toBeUndefined();
    expect(set(requests, 'a', 'a2', 60)).toBeUndefined();
    expect(set(requests, 'b', 'b1', 31)).toBe('a1');
    expect(set(requests, 'a', 'a1', 0)).toBeUndefined();
    expect(set(requests, 'b', 'b1', 41)).toBe('a2');
  });

  it('forgets requests that are complete, and counts the next one of the connection as younger', () => {
    const requests = new ArrivingRequests<string>(100);
    set(requests, 'a', 'a1', 50);
    set(requests, 'a', 'a2', 50);
    set(requests, 'a', 'a1', 0);
    set(requests, 'a', 'a1', 40);
    expect(set(requests, 'a', 'a1', 51)).toBe('a2');
    set(requests, 'a', 'a2', 0);
    set(requests, 'a', 'a1', 0);
    expect(set(requests, 'a', 'a3', 100)).toBeUndefined();
  });
});
