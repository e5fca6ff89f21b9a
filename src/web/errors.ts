// What the web interfaces answer when something is wrong: JSON that names the field, never a stack.

import type { ErrorRequestHandler, RequestHandler } from 'express';
import type { z } from 'zod';
import type { Log } from '../ops/ports.ts';

/** A refusal that the caller caused. `field`: the part of the body or query that is wrong, dotted. */
export class WebError extends Error {
  override readonly name = 'WebError';
  readonly status: number;
  readonly field: string | undefined;
  /** Seconds after which another try makes sense (Retry-After). */
  readonly retryAfter: number | undefined;

  constructor(status: number, message: string, more: { field?: string; retryAfter?: number } = {}) {
    super(message);
    this.status = status;
    this.field = more.field;
    this.retryAfter = more.retryAfter;
  }
}

/** The input as the schema wants it. @throws WebError 400 that names the first wrong field. */
export function checked<T extends z.ZodType>(schema: T, input: unknown): z.output<T> {
  const outcome = schema.safeParse(input);
  if (outcome.success) return outcome.data;
  const [issue] = outcome.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys.slice(0, 1) : [];
  const field = [...(issue?.path ?? []), ...unknown].map(String).join('.').slice(0, 100);
  throw new WebError(400, issue?.message ?? 'not understood', field === '' ? {} : { field });
}

/** For paths that nobody serves. */
export const notFound: RequestHandler = () => {
  throw new WebError(404, 'there is nothing here');
};

/** The last handler of an app: a WebError as it says, what the body parser refused, and 500 for bugs. */
export function errorHandler(log: Log): ErrorRequestHandler {
  // Express recognises an error handler by its four parameters.
  return (error: unknown, request, response, next) => {
    if (response.headersSent) {
      next(error);
      return;
    }
    const known = error instanceof WebError ? error : fromParser(error);
    if (known === undefined) log.error({ err: error, path: request.path }, 'web request failed');
    const { status, message, field, retryAfter } = known ?? new WebError(500, 'internal error, see the log');
    if (retryAfter !== undefined) response.setHeader('Retry-After', retryAfter);
    response.status(status).json({ error: field === undefined ? { message } : { message, field } });
  };
}

/** Errors of the body parser and of the router (a malformed escape in the path) carry the status to answer. */
function fromParser(error: unknown): WebError | undefined {
  if (!(error instanceof Error) || !('status' in error) || typeof error.status !== 'number') return undefined;
  if (error.status < 400 || error.status > 499) return undefined;
  return new WebError(error.status, PARSER_MESSAGES[error.status] ?? 'the request cannot be read');
}

/** In our own words: theirs may repeat what was sent. */
const PARSER_MESSAGES: Readonly<Record<number, string>> = {
  400: 'the request cannot be read: is the body JSON?',
  413: 'the body is too large',
  415: 'the encoding of the body is not supported',
};
