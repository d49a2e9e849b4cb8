import { anonymousGroup } from './anonymous.js';
import { bodiesGroup } from './bodies.js';
import { eventTimesGroup, identitiesGroup } from './events.js';
import { fleetGroup, sitesGroup } from './others.js';
import { protocolGroup } from './protocol.js';
import { recordsGroup } from './records.js';
import { socketsGroup } from './sockets.js';
import { tokensGroup } from './tokens.js';
import type { AttackGroup } from '../target/attempt.js';

/** All kinds of hostile clients. */
export const attackGroups: readonly AttackGroup[] = [
  bodiesGroup,
  anonymousGroup,
  tokensGroup,
  sitesGroup,
  identitiesGroup,
  eventTimesGroup,
  recordsGroup,
  protocolGroup,
  socketsGroup,
  fleetGroup,
];
