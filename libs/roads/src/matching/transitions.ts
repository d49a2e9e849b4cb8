import { Reach, type ReachTree } from './reach.js';
import type { RoadNetwork } from './road-network.js';

/** A turn in a dead end counts as this share of another U-turn: not at all, it would be as likely as driving on. */
const DEAD_END_TURN = 0.25;

/** A part of an edge that was driven, in metres from its start. */
export interface EdgePart {
  readonly edge: number;
  readonly fromMeters: number;
  readonly toMeters: number;
}

/** A place on an edge. */
export interface EdgePlace {
  readonly edge: number;
  readonly meters: number;
}

/**
 * The ways from one place on the network to another, as {@link Transitions.measure} found the last one. `turns` is the number
 * of U-turns on it; those in dead ends count less.
 */
export class Transitions {
  meters = 0;
  turns = 0;
  private readonly network: RoadNetwork;
  private readonly reach: Reach;
  private readonly backMeters: number;
  private readonly endMeters: number;
  private tree: ReachTree | undefined;
  private treeVertex = -1;

  /**
   * Within `backMeters` on the same edge, a place may move back by noise: the vehicle has not moved then. Within `endMeters`
   * of the end of a dead end, a vehicle that turns was at the end.
   */
  constructor(
    network: RoadNetwork,
    { backMeters, endMeters }: { readonly backMeters: number; readonly endMeters: number },
  ) {
    this.network = network;
    this.reach = new Reach(network);
    this.backMeters = backMeters;
    this.endMeters = endMeters;
  }

  /** Sets the edges that {@link measure} measures ways to next. */
  aimAt(edges: readonly number[]): void {
    this.reach.aimAt(edges.map((edge) => this.network.edgeFrom[edge]!));
    this.tree = undefined;
  }

  /**
   * Measures the way between two places, of which the second one is on an edge of {@link aimAt}. Returns whether there is one
   * of at most `limitMeters`.
   */
  measure(from: number, fromMeters: number, to: number, toMeters: number, limitMeters: number): boolean {
    this.turns = 0;
    if (from === to && toMeters >= fromMeters - this.backMeters) {
      this.meters = Math.max(0, toMeters - fromMeters);
      return this.meters <= limitMeters;
    }
    const { reverse, edgeMeters, edgeTo, edgeFrom } = this.network;
    if (reverse[from] === to) {
      const rest = edgeMeters[from]! - fromMeters;
      // It turns at the further one of both places, or at the end of a dead end.
      this.meters = Math.abs(rest - toMeters);
      this.turns = this.turnsAtEnd(from, rest, toMeters) ? DEAD_END_TURN : 1;
      return this.meters <= limitMeters;
    }
    const rest = edgeMeters[from]! - fromMeters;
    const slot = this.find(edgeTo[from]!, edgeFrom[to]!, limitMeters);
    if (slot === undefined) return false;
    this.meters = rest + this.tree!.meters[slot]! + toMeters;
    if (this.meters > limitMeters) return false;
    const first = this.tree!.firstEdge[slot]!;
    const last = this.tree!.lastEdge[slot]!;
    if (this.isTurn(from, first === -1 ? to : first)) this.turns += 1;
    if (last !== -1 && this.isTurn(last, to)) this.turns += 1;
    return true;
  }

  /**
   * Appends the way between two places, for which {@link measure} has returned true, to `parts`, and returns where it ends.
   * The vehicle is at `startMeters` of the first edge, which is after `from` if a place moved back by noise before.
   */
  trace(
    way: { from: EdgePlace; startMeters: number; to: EdgePlace; limitMeters: number },
    parts: EdgePart[],
  ): EdgePlace {
    const { from, startMeters, to } = way;
    const { reverse, edgeMeters } = this.network;
    const length = edgeMeters[from.edge]!;
    if (from.edge === to.edge && to.meters >= from.meters - this.backMeters) {
      const meters = Math.max(startMeters, to.meters);
      append(parts, from.edge, startMeters, meters);
      return { edge: to.edge, meters };
    }
    if (reverse[from.edge] === to.edge) {
      const isAtEnd = this.turnsAtEnd(from.edge, length - from.meters, to.meters);
      const turnAt = isAtEnd ? length : Math.max(startMeters, length - to.meters);
      append(parts, from.edge, startMeters, turnAt);
      append(parts, to.edge, length - turnAt, to.meters);
      return to;
    }
    append(parts, from.edge, startMeters, length);
    for (const edge of this.edgesBetween(way)) append(parts, edge, 0, edgeMeters[edge]!);
    append(parts, to.edge, 0, to.meters);
    return to;
  }

  private edgesBetween({
    from,
    to,
    limitMeters,
  }: {
    from: EdgePlace;
    to: EdgePlace;
    limitMeters: number;
  }): number[] {
    const { edgeTo, edgeFrom } = this.network;
    const edges: number[] = [];
    this.aimAt([to.edge]);
    let slot = this.find(edgeTo[from.edge]!, edgeFrom[to.edge]!, limitMeters);
    while (slot !== undefined && this.tree!.lastEdge[slot] !== -1) {
      const edge = this.tree!.lastEdge[slot]!;
      edges.push(edge);
      slot = this.tree!.slots.get(edgeFrom[edge]!);
    }
    return edges.toReversed();
  }

  private find(vertex: number, target: number, limitMeters: number): number | undefined {
    // Many ways of one step start at the same vertex.
    if (this.treeVertex !== vertex || this.tree === undefined) {
      this.tree = this.reach.from(vertex, limitMeters);
      this.treeVertex = vertex;
    }
    return this.tree.slots.get(target);
  }

  private isTurn(edge: number, next: number): boolean {
    const { reverse, edgeTo } = this.network;
    return reverse[edge] === next && !this.isDeadEnd(edgeTo[edge]!, edge);
  }

  /** Whether the only way on is back. */
  private isDeadEnd(vertex: number, edge: number): boolean {
    const { outStart, outEdges, reverse } = this.network;
    const first = outStart[vertex]!;
    return outStart[vertex + 1]! - first === 1 && outEdges[first] === reverse[edge];
  }

  /** Whether a vehicle that turned on an edge turned at its end: in a dead end, if it was seen close to it. */
  private turnsAtEnd(edge: number, rest: number, back: number): boolean {
    return Math.min(rest, back) <= this.endMeters && this.isDeadEnd(this.network.edgeTo[edge]!, edge);
  }
}

/** Joins parts of the same edge that follow each other. */
function append(parts: EdgePart[], edge: number, fromMeters: number, toMeters: number): void {
  const last = parts.at(-1);
  if (last !== undefined && last.edge === edge && Math.abs(last.toMeters - fromMeters) < 1e-6) {
    parts[parts.length - 1] = { edge, fromMeters: last.fromMeters, toMeters };
  } else {
    parts.push({ edge, fromMeters, toMeters });
  }
}
