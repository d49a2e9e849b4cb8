import { Feeds } from '../../../src/feeds/feeds.js';
import { feedClasses, generateFeed, type FeedClass, type GeneratedFeed } from './corpus.js';

/** The least share of feeds that must be named as what they are. */
const LEAST_RIGHT = 0.99;

interface FeedsOptions {
  /** Number of feeds of each class. */
  readonly rounds: number;
  readonly seed: number;
  readonly onRound?: (round: number) => void;
}

interface FeedsReport {
  readonly feeds: number;
  readonly right: number;
  readonly events: number;
}

/**
 * Generates feeds of every class, and has each diagnosed a minute after its fault began. The findings must be exactly the
 * fault in 99 of 100 feeds, and none for every healthy feed.
 *
 * @throws Error with the confusion matrix otherwise
 */
export async function proveFeeds({ rounds, seed, onRound }: FeedsOptions): Promise<FeedsReport> {
  const named = new Map<FeedClass, Map<string, number>>(
    feedClasses.map((feedClass) => [feedClass, new Map()]),
  );
  const wrong: string[] = [];
  let [right, events] = [0, 0];
  for (let round = 0; round < rounds; round += 1) {
    for (const feedClass of feedClasses) {
      const feed = generateFeed(feedClass, seed * 1_000_003 + round);
      const findings = findingsOf(feed);
      const name = findings.join(' + ') || 'healthy';
      const row = named.get(feedClass)!;
      row.set(name, (row.get(name) ?? 0) + 1);
      if (name === feedClass) right += 1;
      else wrong.push(`${feedClass}, round ${round}: ${name}`);
      events += feed.arrivals.length;
    }
    onRound?.(round + 1);
  }
  const feeds = rounds * feedClasses.length;
  const accused = [...named.get('healthy')!].filter(([name]) => name !== 'healthy');
  if (right < LEAST_RIGHT * feeds || accused.length > 0) {
    throw new Error(
      `${right} of ${feeds} feeds are named as what they are\n${matrix(named)}\n${wrong.slice(0, 50).join('\n')}`,
    );
  }
  return { feeds, right, events };
}

/** Feeds the arrivals, and returns the names of what is found at the end. */
function findingsOf({ providerId, city, arrivals, end }: GeneratedFeed): string[] {
  const feeds = new Feeds(city === null ? [] : [city]);
  for (const arrival of arrivals) {
    if (arrival.kind === 'event') feeds.note(arrival.input, arrival.at);
    else feeds.noteAudit(arrival.record);
  }
  const [feed] = feeds.list(end, providerId).feeds;
  return (feed?.findings ?? []).map(({ finding }) => finding).toSorted();
}

/** One line for each class: what its feeds were named, and how often. */
function matrix(named: ReadonlyMap<FeedClass, ReadonlyMap<string, number>>): string {
  const lines = Array.from(named, ([feedClass, row]) => {
    const cells = [...row]
      .toSorted((one, other) => other[1] - one[1])
      .map(([name, count]) => `${name} ${count}`);
    return `${feedClass.padEnd(24)} ${cells.join(', ')}`;
  });
  return lines.join('\n');
}
