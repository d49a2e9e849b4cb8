import { startTestBroker } from '../../src/testing.js';
import { runScenarios } from '../scenarios/run-scenarios.js';

runScenarios(async () => {
  const broker = await startTestBroker({ settings: { 'log.cleaner.backoff.ms': '500' } });
  return { addresses: [broker.address], [Symbol.asyncDispose]: () => broker.stop() };
});
