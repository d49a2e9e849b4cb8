import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineSplitter, MAX_LINE_CHARS } from './read-lines.js';

function split(...pieces: string[]) {
  const splitter = new LineSplitter();
  return [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.end()];
}

describe('LineSplitter', () => {
  it('numbers lines from 1, with any line end, also without a final line end', () => {
    expect(split('a\r\nb\n\nc\rd\r\re')).toEqual(
      ['a', 'b', '', 'c', 'd', '', 'e'].map((text, index) => ({ number: index + 1, text, cut: false })),
    );
  });

  it('returns the same lines however the text is split', () => {
    const text = fc.string({ unit: fc.constantFrom('a', '\r', '\n', ',') });
    fc.assert(
      fc.property(text, fc.nat(), (whole, at) => {
        const cut = at % (whole.length + 1);
        expect(split(whole.slice(0, cut), whole.slice(cut))).toEqual(split(whole));
      }),
    );
  });

  it('truncates a line that is too long and continues with the next one', () => {
    const long = 'x'.repeat(MAX_LINE_CHARS);
    const lines = split(long, long, '\nb\n');
    expect(lines.map(({ number, cut }) => ({ number, cut }))).toEqual([
      { number: 1, cut: true },
      { number: 2, cut: false },
    ]);
    expect(lines[0]?.text.length).toBe(MAX_LINE_CHARS);
  });
});
