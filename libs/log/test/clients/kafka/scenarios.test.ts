import { startKafka } from '@hailstream/tools/kafka';
import { runScenarios } from '../../scenarios/run-scenarios.js';

/** Any log's addresses; where none is named, an Apache Kafka is started. */
const GIVEN = process.env['KAFKA_BROKERS'];

runScenarios(async () => {
  if (GIVEN) return { addresses: GIVEN.split(','), [Symbol.asyncDispose]: () => Promise.resolve() };
  return startKafka({ brokers: 1, settings: { 'log.cleaner.backoff.ms': '500' } });
});
