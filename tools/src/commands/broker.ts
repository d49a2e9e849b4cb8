import { runToEnd } from '../processes/run-to-end.js';
import { programFile } from '../repository.js';
import { runCommand } from './run-command.js';

/** `npm run broker`: the embedded broker alone, which tells itself what it takes. */
await runCommand(undefined, ({ args, env }) =>
  runToEnd(programFile('libs/log/dist/broker/main.js'), args, env),
);
