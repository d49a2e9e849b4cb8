import { createRequire } from 'node:module';

/*
 * After every request, kafkajs sets a timer to check the requests that wait, also if none waits, with a negative delay. Node 24
 * prints a warning for that. Here the timer is set only if a request waits.
 */
interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests(): void;
}

const require = createRequire(import.meta.url);
const { prototype } = require('kafkajs/src/network/requestQueue/index.js') as { prototype: RequestQueue };
const original = Object.getOwnPropertyDescriptor(prototype, 'scheduleCheckPendingRequests')!.value as (
  this: RequestQueue,
) => void;

prototype.scheduleCheckPendingRequests = function (this: RequestQueue): void {
  if (this.pending.length > 0) original.call(this);
};
