/** The sentences of evidence in English, by code. `{names}` are {@link EvidenceValues}. */
export const evidenceSentences = {
  'swapped-coordinates':
    '{share} of the positions are in the area if latitude and longitude are exchanged ({part} of {total})',
  'wrong-sign': '{share} of the positions are in the area if a sign is changed ({part} of {total})',
  'zero-position': '{share} of the positions are 0, 0 ({part} of {total})',
  'speed-in-kmh': '{share} of the speeds are 3 to 5 times what the positions show ({part} of {total})',
  'speed-in-mph': '{share} of the speeds are about twice what the positions show ({part} of {total})',
  'stuck-while-moving':
    '{share} of the points with a speed have the position of the point before ({part} of {total})',
  'stuck-on-trip':
    '{share} of the points of vehicles on a trip have had the same position for 90 s ({part} of {total})',
  'id-reuse': '{share} of the events have the id of another event ({part} of {total})',
  'fares-too-low': '{part} of {total} fares are below 0.20 a kilometre',
  'fares-too-high': '{part} of {total} fares are above 60 a kilometre',
  'late-by-hours': '{share} of the events are late by about {hours} h ({part} of {total})',
  'received-before':
    '{share} of the events are received more than 3 s before they happened ({part} of {total})',
  'older-than': 'half of the events are older than {halfMs}',
  'late-by': 'nine of ten events are late by more than {mostMs}, half by more than {halfMs}',
  'received-after': 'half of the events are received after {halfMs}, one of a hundred after {fewMs}',
  'out-of-order':
    '{share} of the events are older than the one of the same vehicle before ({part} of {total})',
  'repeated-points':
    '{share} of the points have the time of the point before and a new id ({part} of {total})',
  duplicates: '{share} of the events were received before ({part} of {total})',
  'refused-requests': '{part} requests are refused',
  'rejected-items': '{share} of the items are rejected ({part} of {total})',
  'rejected-for': '{share} of the items are rejected: {reasons} ({part} of {total})',
  silent: 'no event for {silentMs}',
  'silent-after': 'no event for {silentMs}; before, {rate} events a second',
  'silent-vehicles': '{part} of {total} vehicles in service have sent no position for much longer than usual',
} as const;

export type EvidenceCode = keyof typeof evidenceSentences;

/**
 * Values in the sentence of evidence. `share` is from 0 to 1, names that end with `Ms` are times in milliseconds, and
 * `reasons` are codes of reasons with their numbers.
 */
export type EvidenceValues = Readonly<Record<string, number | string>>;
