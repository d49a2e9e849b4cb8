import { MinHeap } from '../graph/min-heap.js';
import type { RoadNetwork } from './road-network.js';

/** Trees are computed at least this far, so that they can be used again. */
const MIN_BOUND_METERS = 250;

/** Maximum number of vertexes in all remembered trees: about 100 MB. */
const MAX_REMEMBERED_VERTEXES = 1_000_000;

/** Vertexes near a vertex, with the shortest ways to them. */
export interface ReachTree {
  /** All vertexes within this distance are in the tree. */
  readonly boundMeters: number;
  /** Number of each vertex in the other arrays. */
  readonly slots: ReadonlyMap<number, number>;
  readonly meters: Float64Array;
  /** The first and the last edge of the way to each vertex; -1 for the start. */
  readonly firstEdge: Int32Array;
  readonly lastEdge: Int32Array;
}

/**
 * Finds shortest ways with Dijkstra's algorithm, up to a distance or until all targets are found, and remembers the trees that
 * were used last.
 */
export class Reach {
  private readonly trees = new Map<number, ReachTree>();
  private remembered = 0;
  private readonly meters: Float64Array;
  private readonly cameBy: Int32Array;
  private readonly reachedIn: Int32Array;
  private readonly settledIn: Int32Array;
  private search = 0;
  private targets: readonly number[] = [];
  /** Number of the list of targets to which a vertex belonged last. */
  private readonly targetIn: Int32Array;
  private targetList = 0;
  private targetCount = 0;

  constructor(private readonly network: RoadNetwork) {
    this.meters = new Float64Array(network.vertexCount);
    this.cameBy = new Int32Array(network.vertexCount);
    this.reachedIn = new Int32Array(network.vertexCount);
    this.settledIn = new Int32Array(network.vertexCount);
    this.targetIn = new Int32Array(network.vertexCount);
  }

  /** Sets the vertexes to which ways are wanted next. */
  aimAt(targets: readonly number[]): void {
    this.targets = targets;
    this.targetList += 1;
    this.targetCount = 0;
    for (const target of targets) {
      if (this.targetIn[target] === this.targetList) continue;
      this.targetIn[target] = this.targetList;
      this.targetCount += 1;
    }
  }

  /** Returns a tree of a vertex that has every target within `boundMeters`. */
  from(vertex: number, boundMeters: number): ReachTree {
    const known = this.trees.get(vertex);
    if (known !== undefined) {
      if (known.boundMeters >= boundMeters || this.targets.every((target) => known.slots.has(target)))
        return known;
      this.forget(vertex, known);
    }
    const tree = this.explore(vertex, Math.max(MIN_BOUND_METERS, boundMeters));
    this.trees.set(vertex, tree);
    this.remembered += tree.meters.length;
    for (const [oldest, oldTree] of this.trees) {
      if (this.remembered <= MAX_REMEMBERED_VERTEXES || oldest === vertex) break;
      this.forget(oldest, oldTree);
    }
    return tree;
  }

  private forget(vertex: number, tree: ReachTree): void {
    this.trees.delete(vertex);
    this.remembered -= tree.meters.length;
  }

  private explore(start: number, boundMeters: number): ReachTree {
    const { outStart, outEdges, edgeTo, edgeMeters } = this.network;
    this.search += 1;
    const slots = new Map<number, number>();
    const [meters, firstEdge, lastEdge]: [number[], number[], number[]] = [[], [], []];
    const open = new MinHeap();
    let missing = this.targetCount;
    let reachedMeters = boundMeters;
    this.reach(start, 0, -1, open);
    for (let vertex = open.pop(); vertex !== undefined; vertex = open.pop()) {
      if (this.settledIn[vertex] === this.search) continue;
      this.settledIn[vertex] = this.search;
      if (missing === 0 && this.meters[vertex]! > MIN_BOUND_METERS) {
        // Vertexes at the same distance may be missing.
        reachedMeters = this.meters[vertex]! - 1e-6;
        break;
      }
      if (this.targetIn[vertex] === this.targetList) missing -= 1;
      const last = this.cameBy[vertex]!;
      const before = last === -1 ? -1 : firstEdge[slots.get(this.network.edgeFrom[last]!)!]!;
      slots.set(vertex, meters.length);
      meters.push(this.meters[vertex]!);
      lastEdge.push(last);
      firstEdge.push(before === -1 ? last : before);
      for (let index = outStart[vertex]!; index < outStart[vertex + 1]!; index += 1) {
        const edge = outEdges[index]!;
        const total = this.meters[vertex]! + edgeMeters[edge]!;
        if (total <= boundMeters) this.reach(edgeTo[edge]!, total, edge, open);
      }
    }
    return {
      boundMeters: reachedMeters,
      slots,
      meters: Float64Array.from(meters),
      firstEdge: Int32Array.from(firstEdge),
      lastEdge: Int32Array.from(lastEdge),
    };
  }

  private reach(vertex: number, meters: number, edge: number, open: MinHeap): void {
    if (this.reachedIn[vertex] === this.search && this.meters[vertex]! <= meters) return;
    this.reachedIn[vertex] = this.search;
    this.meters[vertex] = meters;
    this.cameBy[vertex] = edge;
    open.push(vertex, meters);
  }
}
