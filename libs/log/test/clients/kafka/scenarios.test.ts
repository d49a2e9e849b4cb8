import { startKafka } from '@hailstream/tools/kafka';
import { runScenarios } from '../../scenarios/run-scenarios.js';

/** Bootstrap addresses of any log. If not set, an Apache Kafka broker is started. */
const GIVEN = process.env['KAFKA_BROKERS'];

runScenarios(async () => {
  if (GIVEN) return { addresses: GIVEN.split(','), [Symbol.asyncDispose]: () => Promise.resolve() };
  return startKafka({ brokers: 1, settings: { 'log.cleaner.backoff.ms': '500' } });
});
