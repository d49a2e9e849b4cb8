import { runToEnd } from '../processes/run-to-end.js';
import { programFile } from '../repository.js';
import { runCommand } from './run-command.js';

/** `npm run broker`: runs the embedded broker alone. The broker prints its own usage. */
await runCommand(undefined, ({ args, env }) =>
  runToEnd(programFile('libs/log/dist/broker/main.js'), args, env),
);
