import { metersBetween } from '@hailstream/events';
import { EdgeIndex, type NearEdges } from './edge-index.js';
import { Lattice } from './lattice.js';
import { headingOnEdge, type RoadNetwork } from './road-network.js';
import { joinStays, metersBySpeeds, type Stay, type TracePoint } from './stays.js';
import { Transitions, type EdgePart, type EdgePlace } from './transitions.js';

interface MatchOptions {
  /** Standard deviation of the noise of positions, on each axis. @default 5 */
  readonly noiseMeters?: number;
  /** Roads that are further away are not considered. @default 60 */
  readonly radiusMeters?: number;
  /**
   * Scale of the exponential distribution of the difference between the length of a way and the straight line, and by how
   * much it is larger per second between two points. @default 8 and 1
   */
  readonly scaleMeters?: number;
  readonly scaleMetersPerSecond?: number;
  /** Negative logarithm of the probability of a U-turn outside of dead ends. @default 8 */
  readonly turnPenalty?: number;
  /** Negative logarithm of the probability that a vehicle drives against its course. @default 8 */
  readonly headingPenalty?: number;
  /** Maximum number of edges that are considered for a point; each direction of a road is one. @default 16 */
  readonly maxCandidates?: number;
  /** Faster ways are not possible. In metres per second. @default 50 */
  readonly maxSpeed?: number;
  /** Points within this distance of the mean of those before are one position. @default 4 * noiseMeters */
  readonly stayMeters?: number;
  /** After a longer time without points, the way is unknown. @default 300 */
  readonly maxGapSeconds?: number;
}

/** Why a way ends before the trace does: a long time without points, or no possible way to the next ones. */
type BreakReason = 'gap' | 'no-way';

/** A way without interruption. */
interface MatchedWay {
  /** Indexes of its first and last point. */
  readonly firstPoint: number;
  readonly lastPoint: number;
  /** The parts of edges in the order in which they were driven; each starts where the one before ends. */
  readonly parts: readonly EdgePart[];
  readonly meters: number;
}

/** The ways on the network that most likely led to a trace. */
export interface MatchedTrace {
  readonly ways: readonly MatchedWay[];
  /** Where one way ends and the next one begins: `point` is the first one of the next way. */
  readonly breaks: readonly { readonly point: number; readonly reason: BreakReason }[];
  /** The place of each point on the network; `undefined` for points off the roads and outliers. */
  readonly places: readonly (EdgePlace | undefined)[];
  /** Length of all ways. */
  readonly meters: number;
}

/** Points in a row to which there is no way before they are the start of another way, not outliers. */
const MAX_OUTLIERS = 3;

/** A way is at most this many scales of the distribution, and these metres, longer than the straight line. */
const MAX_DETOUR_SCALES = 20;
const MAX_DETOUR_METERS = 100;

/**
 * How much a longer way than the straight line costs, up to the length that follows from the speeds, as a share of what it costs beyond:
 * the vehicle has driven around a bend, or it has braked or stopped.
 */
const WITHIN_SPEEDS = 0.15;

/** Candidates that are this much further away than the nearest one are not considered. */
const MAX_FURTHER_SIGMAS = 8;

/**
 * Matches traces to roads with a hidden Markov model: the most likely sequence of places, given that positions have
 * normally distributed noise, and that the length of a way differs from the straight line with an exponential distribution. If the
 * speeds show that the vehicle drove further, a way up to that length is more likely than without them.
 * Not safe for concurrent use.
 *
 * @see Newson and Krumm, Hidden Markov Map Matching Through Noise and Sparseness, 2009
 */
export class MapMatcher {
  private readonly index: EdgeIndex;
  private readonly transitions: Transitions;
  private readonly near: NearEdges;
  private readonly options: Required<MatchOptions>;
  /** Score of the way that {@link bestPrevious} has found last. */
  private bestScore = 0;

  constructor(
    private readonly network: RoadNetwork,
    options: MatchOptions = {},
  ) {
    const { noiseMeters = 5 } = options;
    this.options = {
      noiseMeters,
      radiusMeters: 60,
      stayMeters: 4 * noiseMeters,
      scaleMeters: 8,
      scaleMetersPerSecond: 1,
      turnPenalty: 8,
      headingPenalty: 8,
      maxCandidates: 16,
      maxSpeed: 50,
      maxGapSeconds: 300,
      ...options,
    };
    this.index = new EdgeIndex(network);
    this.transitions = new Transitions(network, { backMeters: 12 * noiseMeters, endMeters: 6 * noiseMeters });
    const { maxCandidates } = this.options;
    this.near = {
      count: 0,
      edge: new Int32Array(maxCandidates),
      meters: new Float64Array(maxCandidates),
      distance: new Float64Array(maxCandidates),
    };
  }

  /** Matches the points of one vehicle, in order of time. */
  match(points: readonly TracePoint[]): MatchedTrace {
    const ways: MatchedWay[] = [];
    const breaks: { point: number; reason: BreakReason }[] = [];
    const places = new Array<EdgePlace | undefined>(points.length).fill(undefined);
    const stays = joinStays(points, {
      meters: this.options.stayMeters,
      maxGapMs: this.options.maxGapSeconds * 1_000,
    });
    let reason: BreakReason | undefined;
    for (let start = 0; start < stays.length;) {
      const followed = this.follow(stays, start);
      // A single point to which there is no way is an outlier.
      if (followed.lattice.pointCount > 1 || followed.next === stays.length) {
        const way = this.wayOf(stays, followed.lattice, places);
        if (way !== undefined) {
          if (reason !== undefined && ways.length > 0) breaks.push({ point: way.firstPoint, reason });
          ways.push(way);
        }
      }
      reason = followed.reason;
      start = followed.next;
    }
    return { ways, breaks, places, meters: ways.reduce((sum, { meters }) => sum + meters, 0) };
  }

  /** Adds stays to a lattice until there is no way on. `next` is the first stay of the next way. */
  private follow(stays: readonly Stay[], start: number): Followed {
    const lattice = new Lattice();
    let firstFailed = -1;
    let failed = 0;
    for (let index = start; index < stays.length; index += 1) {
      const point = stays[index]!;
      if (lattice.pointCount > 0) {
        const last = stays[lattice.pointAt(lattice.pointCount - 1)]!;
        if (point.fromMs - last.untilMs > this.options.maxGapSeconds * 1_000) {
          const isGap = firstFailed === -1;
          return { lattice, next: isGap ? index : firstFailed, reason: isGap ? 'gap' : 'no-way' };
        }
      }
      if (!this.findNear(point)) continue;
      if (this.addPoint(stays, index, lattice)) {
        firstFailed = -1;
        failed = 0;
        continue;
      }
      if (firstFailed === -1) firstFailed = index;
      failed += 1;
      if (failed > MAX_OUTLIERS) return { lattice, next: firstFailed, reason: 'no-way' };
    }
    return { lattice, next: stays.length };
  }

  /** Finds the edges near a point. Returns whether there are any. */
  private findNear(point: Stay): boolean {
    const { plane } = this.network;
    this.index.find(
      { x: plane.x(point.lng), y: plane.y(point.lat), radius: this.options.radiusMeters },
      this.near,
    );
    const { near } = this;
    if (near.count === 0) return false;
    const furthest = near.distance[0]! + MAX_FURTHER_SIGMAS * this.options.noiseMeters;
    while (near.distance[near.count - 1]! > furthest) near.count -= 1;
    return true;
  }

  /** Adds a point with the candidates that {@link findNear} has found. Returns whether there is a way to any of them. */
  private addPoint(stays: readonly Stay[], index: number, lattice: Lattice): boolean {
    const { near } = this;
    const isFirst = lattice.pointCount === 0;
    const step = isFirst ? undefined : this.stepTo(stays, index, lattice);
    if (!isFirst) this.transitions.aimAt([...near.edge.subarray(0, near.count)]);
    let isReached = false;
    for (let place = 0; place < near.count; place += 1) {
      const [edge, meters] = [near.edge[place]!, near.meters[place]!];
      const emission = this.emission(place, stays[index]!);
      if (step === undefined) {
        lattice.addCandidate({ edge, meters, score: emission, previous: -1 });
        isReached = true;
        continue;
      }
      const best = this.bestPrevious(lattice, step, edge, meters);
      if (best === -1) continue;
      lattice.addCandidate({ edge, meters, score: this.bestScore + emission, previous: best });
      isReached = true;
    }
    if (isReached) lattice.completePoint(index);
    return isReached;
  }

  /** Logarithm of the probability of a point, if the vehicle is at a candidate of {@link findNear}. */
  private emission(place: number, { heading }: Stay): number {
    const { noiseMeters, headingPenalty } = this.options;
    const ofPosition = -0.5 * (this.near.distance[place]! / noiseMeters) ** 2;
    if (heading === undefined) return ofPosition;
    const ofRoad = headingOnEdge(this.network, this.near.edge[place]!, this.near.meters[place]!);
    const difference = ((heading - ofRoad) * Math.PI) / 180;
    return ofPosition - (headingPenalty * (1 - Math.cos(difference))) / 2;
  }

  /** Returns the candidate of the last point from which a place is most likely reached; -1 if there is no way to it. */
  private bestPrevious(lattice: Lattice, step: Step, edge: number, meters: number): number {
    const { transitions } = this;
    const lastPoint = lattice.pointCount - 1;
    let best = -1;
    this.bestScore = -Infinity;
    for (let from = lattice.firstOf(lastPoint); from < lattice.endOf(lastPoint); from += 1) {
      const score = lattice.score(from);
      if (score <= this.bestScore) continue;
      if (!transitions.measure(lattice.edge(from), lattice.metersOn(from), edge, meters, step.limitMeters))
        continue;
      const total = score + ofLength(transitions.meters, step) - transitions.turns * this.options.turnPenalty;
      if (total <= this.bestScore) continue;
      this.bestScore = total;
      best = from;
    }
    return best;
  }

  private stepTo(stays: readonly Stay[], index: number, lattice: Lattice): Step {
    const last = stays[lattice.pointAt(lattice.pointCount - 1)]!;
    return this.stepBetween(last, stays[index]!);
  }

  private stepBetween(from: Stay, to: Stay): Step {
    const seconds = (to.fromMs - from.untilMs) / 1_000;
    const straightMeters = metersBetween(from, to);
    const scaleMeters = this.options.scaleMeters + this.options.scaleMetersPerSecond * seconds;
    const longest = straightMeters + MAX_DETOUR_METERS + MAX_DETOUR_SCALES * scaleMeters;
    const fastest = seconds * this.options.maxSpeed + 12 * this.options.noiseMeters;
    const bySpeeds = metersBySpeeds(from, to);
    // Less is the error of the speeds, or a corner.
    const speedMeters = bySpeeds > straightMeters + scaleMeters ? bySpeeds : straightMeters;
    return { straightMeters, speedMeters, scaleMeters, limitMeters: Math.min(longest, fastest) };
  }

  /** Builds the way through the most likely candidates, and notes the places of its points. */
  private wayOf(
    stays: readonly Stay[],
    lattice: Lattice,
    places: (EdgePlace | undefined)[],
  ): MatchedWay | undefined {
    const path = lattice.bestPath();
    if (path.length === 0) return undefined;
    const parts: EdgePart[] = [];
    let at = this.placeOf(lattice, path[0]!);
    let before = at;
    this.note(stays[lattice.pointAt(0)]!, at, places);
    for (let place = 1; place < path.length; place += 1) {
      const [last, index] = [lattice.pointAt(place - 1), lattice.pointAt(place)];
      const next = this.placeOf(lattice, path[place]!);
      const { limitMeters } = this.stepBetween(stays[last]!, stays[index]!);
      at = this.transitions.trace({ from: before, startMeters: at.meters, to: next, limitMeters }, parts);
      before = next;
      this.note(stays[index]!, at, places);
    }
    return {
      firstPoint: stays[lattice.pointAt(0)]!.firstPoint,
      lastPoint: stays[lattice.pointAt(path.length - 1)]!.lastPoint,
      parts,
      meters: parts.reduce((sum, { fromMeters, toMeters }) => sum + toMeters - fromMeters, 0),
    };
  }

  private note(stay: Stay, place: EdgePlace, places: (EdgePlace | undefined)[]): void {
    places.fill(place, stay.firstPoint, stay.lastPoint + 1);
  }

  private placeOf(lattice: Lattice, candidate: number): EdgePlace {
    return { edge: lattice.edge(candidate), meters: lattice.metersOn(candidate) };
  }
}

interface Followed {
  readonly lattice: Lattice;
  /** The first stay of the next way. */
  readonly next: number;
  readonly reason?: BreakReason;
}

/** What is known about the way between two points before it is found. */
interface Step {
  readonly straightMeters: number;
  /** The length of the way that follows from the speeds if it is clearly longer than the straight line, otherwise of that. */
  readonly speedMeters: number;
  readonly limitMeters: number;
  /** Scale of the exponential distribution of the difference between way and straight line. */
  readonly scaleMeters: number;
}

/** Logarithm of the probability of the length of a way. */
function ofLength(meters: number, { straightMeters, speedMeters, scaleMeters }: Step): number {
  const beyondSpeeds = Math.max(0, meters - speedMeters);
  const withinSpeeds = Math.abs(meters - straightMeters) - beyondSpeeds;
  const share = meters > straightMeters ? WITHIN_SPEEDS : 1;
  return -(share * withinSpeeds + beyondSpeeds) / scaleMeters;
}
