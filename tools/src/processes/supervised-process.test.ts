import { describe, expect, it } from 'vitest';
import { explain } from './supervised-process.js';

const explained = (stderr: string[]) =>
  explain('ingest', 'ended with exit code 1', stderr, '/home/logs/ingest.log');

describe('explain', () => {
  it("passes on a program's own words, once with its name", () => {
    expect(explained(['ingest: PORT: expected a whole number, got "x"', ''])).toBe(
      'ingest: PORT: expected a whole number, got "x"',
    );
    expect(explained(['the disk is full'])).toBe('ingest: the disk is full');
  });

  it('points to the log instead of showing a stack', () => {
    expect(explained(['TypeError: x is undefined', '    at main (main.js:1:1)'])).toBe(
      'ingest ended with exit code 1 before it was ready: see /home/logs/ingest.log',
    );
  });

  it('points to the log of a program that said nothing', () => {
    expect(explained([])).toContain('see /home/logs/ingest.log');
  });
});
