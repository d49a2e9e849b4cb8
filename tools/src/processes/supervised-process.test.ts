import { describe, expect, it } from 'vitest';
import { explain } from './supervised-process.js';

const explained = (stderr: string[]) =>
  explain('ingest', 'ended with exit code 1', stderr, '/home/logs/ingest.log');

describe('explain', () => {
  it("returns the program's output, prefixed with its name once", () => {
    expect(explained(['ingest: PORT: expected a whole number, got "x"', ''])).toBe(
      'ingest: PORT: expected a whole number, got "x"',
    );
    expect(explained(['the disk is full'])).toBe('ingest: the disk is full');
  });

  it('refers to the log file instead of printing a stack', () => {
    expect(explained(['TypeError: x is undefined', '    at main (main.js:1:1)'])).toBe(
      'ingest ended with exit code 1 before it was ready: see /home/logs/ingest.log',
    );
  });

  it('refers to the log file of a program without output', () => {
    expect(explained([])).toContain('see /home/logs/ingest.log');
  });
});
