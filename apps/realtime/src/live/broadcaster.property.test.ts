import { isDeepStrictEqual } from 'node:util';
import type { Viewport } from '@hailstream/events/live';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  id,
  NOW,
  OTHER_PROVIDER,
  PROVIDER,
  riderEvent,
  telemetry,
  vehicleEvent,
} from '../fold/events.fixture.js';
import type { CityEvent } from '../fold/city-state.js';
import { vehicleRow } from '../views/frame.js';
import { MAX_BACKLOG_BYTES } from './broadcaster.js';
import { cover, covers } from './grid.js';
import { setUp, type Page } from './pages.fixture.js';

const FIVE = { minLength: 5, maxLength: 5 } as const;

// Runs hundreds of sequences, which takes long on a busy machine.
describe('Broadcaster', { timeout: 60_000 }, () => {
  it.each([
    { rowsPerMessage: undefined, numRuns: 500 },
    // What has more rows is sent in parts: with one row per message, always.
    { rowsPerMessage: 1, numRuns: 40 },
    { rowsPerMessage: 2, numRuns: 40 },
  ])(
    'gives a client that reconnects or falls behind the state of one that never did, and of a new one: %j',
    (options) => {
      const { rowsPerMessage, numRuns } = options;
      const isInParts = rowsPerMessage !== undefined;
      let [resumed, parts] = [0, 0];
      const place = fc.record({
        lat: fc.integer({ min: 0, max: 15 }),
        lng: fc.integer({ min: -187, max: -173 }),
      });
      const wrapped = place.map(({ lat, lng }) => ({ lat, lng: lng < -180 ? lng + 360 : lng }));
      const viewport = fc
        .record({ corner: wrapped, extent: fc.integer({ min: 2, max: 12 }) })
        .map(({ corner: { lat, lng }, extent }) => ({
          south: lat,
          north: lat + extent,
          west: lng,
          east: lng + extent > 180 ? lng + extent - 360 : lng + extent,
        }));
      const step = fc.oneof(
        { weight: 20, arbitrary: fc.record({ kind: fc.constant('move'), device: fc.nat(5), to: wrapped }) },
        {
          weight: 16,
          arbitrary: fc.record({
            kind: fc.constant('tick'),
            after: fc.constantFrom(500, 500, 500, 500, 500, 500, 61_000, 400_000),
          }),
        },
        { weight: 3, arbitrary: fc.record({ kind: fc.constant('look'), page: fc.nat(4), at: viewport }) },
        {
          weight: 4,
          arbitrary: fc.record({ kind: fc.constant('stall'), page: fc.nat(4), isStalled: fc.boolean() }),
        },
        {
          weight: 6,
          arbitrary: fc.record({
            kind: fc.constant('ride'),
            trip: fc.nat(3),
            to: wrapped,
            isCancelled: fc.boolean(),
          }),
        },
        { weight: 6, arbitrary: fc.record({ kind: fc.constant('drop'), page: fc.nat(4) }) },
        { weight: 8, arbitrary: fc.record({ kind: fc.constant('return'), page: fc.nat(4) }) },
        { weight: 1, arbitrary: fc.record({ kind: fc.constant('clear') }) },
      );
      fc.assert(
        fc.property(
          fc.array(viewport, FIVE),
          fc.array(step, { minLength: 20, maxLength: 80 }),
          fc.constantFrom(1, 100),
          (seen, steps, resumeDepartures) => {
            const { city, broadcaster, open, ...setup } = setUp({
              counts: { above: 3, upTo: 2 },
              snapshotsPerTick: 4,
              resumeDepartures,
              ...(isInParts && { rowsPerMessage }),
            });
            const kinds = [
              { filter: null, binary: false },
              { filter: null, binary: true },
              { filter: PROVIDER, binary: false },
              { filter: null, binary: false },
              { filter: null, binary: true },
            ];
            const pages = kinds.map(({ filter, binary }) => open(null, filter, { binary }));
            // Each has the viewports of a page, but is never disconnected or behind.
            const steady = kinds.map(({ filter, binary }) => open(null, filter, { binary }));
            const looking = new Map<Page, Viewport>();
            const dropped = new Set<Page>();
            let now = NOW;
            const fold = (event: CityEvent): void => {
              city.fold(event, { receivedAt: now, now });
            };
            const look = (page: Page, at: Viewport): void => {
              looking.set(page, at);
              const index = pages.indexOf(page);
              const request = { ...at, ...countsOf(index) };
              broadcaster.viewport(steady[index]!, request, now);
              if (!dropped.has(page)) broadcaster.viewport(page, request, now);
            };
            const tick = (): void => {
              const report = setup.tick(now);
              resumed += report.answers.resumed;
              parts += report.inParts;
              // After the last part, a client has some of the changes that follow its sequence.
              if (isInParts) return;
              for (const [index, page] of pages.entries()) {
                const other = steady[index]!;
                if (isDeepStrictEqual(page.held, other.held))
                  expect(contentsOf(page)).toEqual(contentsOf(other));
              }
            };
            const comeBack = (page: Page): void => {
              if (!dropped.delete(page)) return;
              const index = pages.indexOf(page);
              const { filter, binary } = kinds[index]!;
              const at = looking.get(page);
              page.backlog = 0;
              broadcaster.connect(page, filter, { binary });
              const resume = page.held !== null && { resume: page.held };
              if (at !== undefined) broadcaster.viewport(page, { ...at, ...countsOf(index), ...resume }, now);
            };
            for (const [index, at] of seen.entries()) look(pages[index]!, at);
            for (const each of steps as { kind: string; [name: string]: unknown }[]) {
              const page = pages[(each['page'] as number | undefined) ?? 0]!;
              if (each.kind === 'move') {
                // Both providers have vehicles of the same ids.
                const device = each['device'] as number;
                const provider_id = device > 3 ? OTHER_PROVIDER : PROVIDER;
                // Half of the vehicles change their state with each move.
                if (device % 2 === 0) {
                  const vehicle_state = now % 1_000 === 0 ? 'available' : 'reserved';
                  fold(
                    vehicleEvent({ device_id: id(device % 4), provider_id, timestamp: now, vehicle_state }),
                  );
                }
                fold(
                  telemetry({
                    device_id: id(device % 4),
                    provider_id,
                    timestamp: now,
                    location: each['to'] as { lat: number; lng: number },
                  }),
                );
              } else if (each.kind === 'ride') {
                const trip = each['trip'] as number;
                fold(
                  riderEvent({
                    trip_id: id(100 + trip),
                    provider_id: trip > 2 ? OTHER_PROVIDER : PROVIDER,
                    timestamp: now,
                    location: each['to'] as { lat: number; lng: number },
                    ...(each['isCancelled'] === true && { event_type: 'ride_cancel' }),
                  }),
                );
              } else if (each.kind === 'look') {
                look(page, each['at'] as Viewport);
              } else if (each.kind === 'drop') {
                broadcaster.disconnect(page);
                dropped.add(page);
              } else if (each.kind === 'clear') {
                city.clear();
              } else if (each.kind === 'return') {
                comeBack(page);
              } else if (each.kind === 'stall') {
                page.backlog = each['isStalled'] === true ? MAX_BACKLOG_BYTES + 1 : 0;
              } else {
                now += each['after'] as number;
                tick();
              }
            }
            for (const page of pages) {
              page.backlog = 0;
              comeBack(page);
            }
            const settle = (): void => {
              // Four clients are answered, and two parts are sent, per tick.
              for (let count = 0; count < (isInParts ? 80 : 4); count += 1) {
                now += 500;
                tick();
              }
            };
            settle();
            const fresh = pages.map((page, index) => {
              const { filter, binary } = kinds[index]!;
              const at = looking.get(page);
              return open(at === undefined ? null : { ...at, ...countsOf(index) }, filter, { binary });
            });
            settle();
            expect(JSON.stringify(pages[2]!.received)).not.toContain(OTHER_PROVIDER);
            for (const [index, page] of pages.entries()) {
              expect(page.held).toEqual(steady[index]!.held);
              // With counts, clients are sent as many riders as a message may have.
              const isComplete = !isInParts || page.cells.size === 0;
              const shown = isComplete ? contentsOf : ({ drawn, cells }: Page) => ({ drawn, cells });
              expect(shown(page)).toEqual(shown(steady[index]!));
              expect(shown(page)).toEqual(shown(fresh[index]!));
            }
            for (const [index, page] of pages.entries()) {
              const at = looking.get(page);
              const expected = [...city.vehicles(index === 2 ? PROVIDER : null)].flatMap((vehicle) => {
                const row = vehicleRow(vehicle, 0, now);
                const isDrawn = row !== null && at !== undefined && covers(cover(at), row[1], row[2]);
                return isDrawn ? [[`${vehicle.providerId} ${row[0]}`, row.slice(0, 7)] as const] : [];
              });
              if (page.cells.size > 0) {
                expect(expected.length).toBeGreaterThan(2);
                expect(countedStates(page)).toEqual(
                  expected.map(([, row]) => row[5] ?? 'unknown').toSorted(),
                );
                expect(page.drawn.size).toBe(0);
                continue;
              }
              if (index > 2) expect(expected.length).toBeLessThanOrEqual(3);
              // Provider numbers are assigned in order of arrival: compared by the ids that they stand for.
              const drawn = [...page.drawn].map(([key, row]) => [key, row.slice(0, 7)] as const);
              expect(new Map(drawn)).toEqual(new Map(expected));
            }
          },
        ),
        { numRuns },
      );
      expect(resumed).toBeGreaterThan(isInParts ? 10 : 200);
      if (!isInParts) expect(parts).toBe(0);
      else if (rowsPerMessage === 1) expect(parts).toBeGreaterThan(50);
    },
  );
});

/** Two of the clients ask for counts. */
function countsOf(index: number): { counts?: true } {
  return index > 2 ? { counts: true } : {};
}

function contentsOf({ drawn, waiting, cells }: Page) {
  return { drawn, waiting, cells };
}

/** The state of each counted vehicle. */
function countedStates({ cells }: Page): string[] {
  return [...cells.values()]
    .flatMap((counts) => Object.entries(counts).flatMap(([state, count]) => Array<string>(count).fill(state)))
    .toSorted();
}
