import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { roadsOf } from '../testing.js';
import { Reach } from './reach.js';
import { buildRoadNetwork, type RoadNetwork } from './road-network.js';

/** Roads between eight places on a line, whose lengths follow from the bends between them. */
const roads = fc.array(
  fc.record({
    from: fc.integer({ min: 0, max: 7 }),
    to: fc.integer({ min: 0, max: 7 }),
    bend: fc.integer({ min: 1, max: 80 }),
    oneway: fc.constantFrom('yes', '-1', 'no'),
  }),
  { minLength: 1, maxLength: 20 },
);

function networkOf(list: readonly { from: number; to: number; bend: number; oneway: string }[]): RoadNetwork {
  return buildRoadNetwork(
    roadsOf(
      ...list.map(({ from, to, bend, oneway }, index) => ({
        points: [
          [from * 50, 0],
          [(from + to) * 25 + index / 100, bend * 10],
          [to * 50, 0],
        ] as const,
        oneway,
      })),
    ),
  );
}

/** The Floyd–Warshall algorithm. */
function allPairs({ vertexCount, edgeCount, edgeFrom, edgeTo, edgeMeters }: RoadNetwork): number[][] {
  const meters = Array.from({ length: vertexCount }, (_none, from) =>
    Array.from({ length: vertexCount }, (_other, to) => (from === to ? 0 : Infinity)),
  );
  for (let edge = 0; edge < edgeCount; edge += 1) {
    const [from, to] = [edgeFrom[edge]!, edgeTo[edge]!];
    meters[from]![to] = Math.min(meters[from]![to]!, edgeMeters[edge]!);
  }
  for (let via = 0; via < vertexCount; via += 1) {
    for (const row of meters) {
      for (let to = 0; to < vertexCount; to += 1) row[to] = Math.min(row[to]!, row[via]! + meters[via]![to]!);
    }
  }
  return meters;
}

describe(Reach, () => {
  it('finds the same distances as the Floyd–Warshall algorithm, and the edges that lead to them', () => {
    fc.assert(
      fc.property(
        roads,
        fc.integer({ min: 1, max: 2_000 }),
        fc.array(fc.nat(7)),
        (list, boundMeters, aims) => {
          const network = networkOf(list);
          const reach = new Reach(network);
          for (const [from, expected] of allPairs(network).entries()) {
            const targets = aims.filter((vertex) => vertex < network.vertexCount);
            reach.aimAt(targets);
            const tree = reach.from(from, boundMeters);
            for (const [to, meters] of expected.entries()) {
              const slot = tree.slots.get(to);
              if (meters <= boundMeters && targets.includes(to)) expect(slot).toBeDefined();
              if (meters <= tree.boundMeters) expect(slot).toBeDefined();
              if (slot === undefined) continue;
              expect(tree.meters[slot]).toBeCloseTo(meters, 6);
              let length = 0;
              let first = -1;
              for (let at = slot; tree.lastEdge[at] !== -1;) {
                first = tree.lastEdge[at]!;
                length += network.edgeMeters[first]!;
                at = tree.slots.get(network.edgeFrom[first]!)!;
              }
              expect(length).toBeCloseTo(meters, 6);
              expect(tree.firstEdge[slot]).toBe(first);
            }
          }
        },
      ),
    );
  });

  it('finds further vertexes if it is asked for a longer distance later', () => {
    const network = networkOf([{ from: 0, to: 7, bend: 1, oneway: 'no' }]);
    const reach = new Reach(network);
    reach.aimAt([1]);
    expect(reach.from(0, 10).slots.size).toBe(1);
    expect(reach.from(0, 1_000).slots.size).toBe(2);
  });
});
