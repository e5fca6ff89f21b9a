// Which request the code at hand works for, so that every log line of a request can name it.

import { AsyncLocalStorage } from 'node:async_hooks';

const scope = new AsyncLocalStorage<string>();
let numbered = 0;

/** Runs `task`, and whatever it waits for, under a new request id: a short text, unique in this process. */
export function inRequest<T>(task: () => T): T {
  numbered += 1;
  return scope.run(numbered.toString(36), task);
}

/** For the log: the id of the request that is being served, if one is. */
export function requestFields(): { readonly request?: string } {
  const request = scope.getStore();
  return request === undefined ? {} : { request };
}
