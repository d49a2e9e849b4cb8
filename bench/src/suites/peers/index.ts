import { kafkaClasspath } from '@hailstream/tools/kafka';
import { prepareHttpLoad } from '../../load/http-load.js';
import type { Suite } from '../../harness/suite.js';
import { measureIngest } from './ingest.js';
import { buildPeer } from './sides.js';

/** The services against other programs that do the same, on the same Apache Kafka. */
export const peersSuite: Suite = {
  name: 'peers',
  prepare: async () => {
    await prepareHttpLoad();
    await kafkaClasspath();
    await buildPeer();
  },
  run: measureIngest,
};
