import { runService } from '@hailstream/service/lifecycle';
import { loadDriverSimConfig } from './config.js';
import { startDriverSim } from './driver-sim.js';

await runService({
  name: 'driver-sim',
  main: async () => startDriverSim(loadDriverSimConfig(process.env, process.argv.slice(2))),
});
