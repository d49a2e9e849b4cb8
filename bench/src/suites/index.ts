import { batchSuite } from './batch.js';
import { brokerSuite } from './broker/index.js';
import { faultsSuite } from './faults/index.js';
import { ingestSuite } from './ingest.js';
import type { Suite } from '../harness/suite.js';
import { visibleSuite } from './visible.js';

/** All suites in the order in which they run. */
export const suites: readonly Suite[] = [ingestSuite, batchSuite, visibleSuite, brokerSuite, faultsSuite];
