import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FixSorter, type PlacedFix } from './fix-sorter.js';

const someFix = fc.record({
  cab: fc.constantFrom('a', 'b', 'c'),
  timestampMs: fc.integer({ min: 0, max: 5 }),
  lat: fc.constantFrom(-1.5, 0, 37.123_456_789),
  lng: fc.constantFrom(-122.4, 7),
  occupied: fc.constantFrom(undefined, true, false),
});

async function sort(fixes: readonly PlacedFix[], maxFixesInMemory?: number): Promise<PlacedFix[]> {
  await using sorter = new FixSorter(maxFixesInMemory === undefined ? {} : { maxFixesInMemory });
  for (const fix of fixes) {
    if (sorter.isFull) await sorter.spill();
    sorter.add(fix);
  }
  const sorted: PlacedFix[] = [];
  for await (const group of sorter.sorted()) sorted.push(...group);
  return sorted;
}

function place({ fix }: PlacedFix): string {
  return JSON.stringify([fix.timestampMs, fix.cab, fix.lat, fix.lng]);
}

describe(FixSorter, () => {
  it('returns all fixes in order of time, and those with the same time and position next to each other', async () => {
    const inAnyOrder = fc.array(someFix, { maxLength: 60 });
    await fc.assert(
      fc.asyncProperty(inAnyOrder, fc.integer({ min: 1, max: 20 }), async (fixes, maxFixesInMemory) => {
        const placed = fixes.map((fix, index) => ({ fix, lineNumber: index + 2 }));
        const sorted = await sort(placed, maxFixesInMemory);
        expect(sorted.toSorted((a, b) => a.lineNumber - b.lineNumber)).toEqual(placed);
        const times = sorted.map(({ fix }) => fix.timestampMs);
        expect(times).toEqual(times.toSorted((a, b) => a - b));
        const places = sorted.map(place);
        const starts = places.filter((each, index) => each !== places[index - 1]);
        expect(starts.length).toBe(new Set(places).size);
      }),
      { numRuns: 50 },
    );
  });

  it('returns the same order from a file as from memory', async () => {
    const placed = Array.from({ length: 20_000 }, (_none, index) => ({
      lineNumber: index,
      fix: {
        cab: `cab${index % 7}`,
        timestampMs: (index * 7_919) % 10_007,
        lat: index % 3,
        lng: 7,
        occupied: undefined,
      },
    }));
    const sorted = await sort(placed);
    expect(sorted.length).toBe(placed.length);
    expect(await sort(placed, 3_000)).toEqual(sorted);
  });
});
