import { startTestBroker } from '../../src/testing.js';
import { runScenarios } from '../scenarios/run-scenarios.js';

/** What the embedded broker does not do, as UNSUPPORTED.md says. */
const DIFFERS = {
  Produce: {
    'refuses a batch with a count of more records than there are': 'records are not looked at one by one',
  },
};

runScenarios(async () => {
  const broker = await startTestBroker({ settings: { 'log.cleaner.backoff.ms': '500' } });
  return { addresses: [broker.address], [Symbol.asyncDispose]: () => broker.stop() };
}, DIFFERS);
