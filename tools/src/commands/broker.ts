import { runToEnd } from '../processes/run-to-end.js';
import { BROKER_V8_OPTIONS } from '../processes/v8-options.js';
import { programFile } from '../repository.js';
import { runCommand } from './run-command.js';

/** `npm run broker`: runs the embedded broker alone. The broker prints its own usage. */
await runCommand(undefined, ({ args, env }) =>
  runToEnd(programFile('libs/log/dist/broker/main.js'), args, env, BROKER_V8_OPTIONS),
);
