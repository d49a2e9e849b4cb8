import type { Trip } from '../families/trip.js';

/** Currencies whose smallest unit is a hundredth, worth between half a US cent and two. Others are not judged as too high. */
const STRONG_CURRENCIES: ReadonlySet<string> = new Set([
  'USD',
  'EUR',
  'GBP',
  'CHF',
  'CAD',
  'AUD',
  'NZD',
  'SGD',
]);

/** Currencies without a smaller unit: an amount in whole units is right. */
const WHOLE_CURRENCIES: ReadonlySet<string> = new Set([
  'BIF', 'CLP', 'DJF', 'GNF', 'ISK', 'JPY', 'KMF', 'KRW', 'PYG', 'RWF', 'UGX', 'UYI', 'VND', 'VUV', 'XAF', 'XOF', 'XPF',
]); // prettier-ignore

/** Smallest units per kilometre. A ride costs more than 0.20 of any currency with hundredths, and less than 60 of a strong one. */
const LEAST_PER_KM = 20;
const MOST_PER_KM = 6_000;

/** A shorter ride costs as much as this one, in kilometres. */
const SHORTEST_KM = 1.5;

/** The currency that MDS implies if none is given. */
const IMPLIED_CURRENCY = 'USD';

/** Whether the cost of a trip fits its distance; `null` if it has no cost or was free. */
export function fareScale(
  trip: Pick<Trip, 'actual_cost' | 'currency' | 'distance'>,
): 'fare-in-units' | 'fare-too-high' | 'plausible' | null {
  const { actual_cost: cost, distance } = trip;
  if (cost === undefined || cost === null || cost === 0) return null;
  const currency = trip.currency ?? IMPLIED_CURRENCY;
  const perKm = cost / Math.max(SHORTEST_KM, distance / 1_000);
  if (perKm < LEAST_PER_KM && !WHOLE_CURRENCIES.has(currency)) return 'fare-in-units';
  return perKm > MOST_PER_KM && STRONG_CURRENCIES.has(currency) ? 'fare-too-high' : 'plausible';
}
