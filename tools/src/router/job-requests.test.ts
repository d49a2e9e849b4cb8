import { describe, expect, it } from 'vitest';
import { parseJobRequest } from './job-requests.js';

describe('parseJobRequest', () => {
  it('lists the jobs with a token that can read', () => {
    expect(parseJobRequest('jobs', ['--json'])).toEqual({
      method: 'GET',
      path: '/jobs',
      scope: 'read',
      url: undefined,
      json: true,
    });
  });

  it('pauses and resumes a job with a token that can operate', () => {
    expect(parseJobRequest('pause', ['lake', '--url', 'http://router:4004'])).toEqual({
      method: 'POST',
      path: '/jobs/lake/pause',
      scope: 'operate',
      url: 'http://router:4004',
      json: false,
    });
    expect(parseJobRequest('resume', ['a/b'])).toMatchObject({
      path: '/jobs/a%2Fb/resume',
      scope: 'operate',
    });
  });

  it.each([
    ['jobs', ['lake'], 'jobs: expected no name, got "lake"'],
    ['pause', [], 'pause: expected the name of one job'],
    ['resume', ['lake', 'search'], 'resume: expected the name of one job'],
    ['jobs', ['--url', 'router:4004'], '--url: expected a URL that starts with http:// or https://'],
    ['jobs', ['--verbose'], /^Unknown option '--verbose'; known options: --url --json --home$/],
  ] as const)('refuses %s %j', (command, args, message) => {
    expect(() => parseJobRequest(command, args)).toThrow(message);
  });
});
