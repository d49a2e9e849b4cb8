import { runToEnd } from '../processes/run-to-end.js';
import { programFile } from '../repository.js';
import { runCommand } from './run-command.js';

const USAGE = 'usage: npm run broker -- [--port 9092] [--data-dir DIR] [--set KEY=VALUE …]';

/** `npm run broker`: the embedded broker alone. */
await runCommand(USAGE, ({ args, env }) => runToEnd(programFile('libs/log/dist/broker/main.js'), args, env));
