// Content over HTTP: a stored file as a response (ranges, conditions), a request's body as an upload.

import type { Request, Response } from 'express';
import type { ContentRecord } from '../store/content.ts';
import { ContentError, type ContentRefusal } from '../services/content/errors.ts';
import type { ContentFiles } from '../services/content/files.ts';
import { WebError } from './errors.ts';

const STATUS: Readonly<Record<ContentRefusal, number>> = {
  'too-large': 413,
  quota: 507,
  type: 415,
  infected: 422,
  scanner: 503,
  name: 400,
  taken: 409,
  'cut-off': 400,
  busy: 429,
  gone: 404,
};

/** What the caller did wrong, or the error as it is. */
export function webError(error: unknown): unknown {
  return error instanceof ContentError ? new WebError(STATUS[error.refusal], error.message) : error;
}

/** Shown in a browser; everything else is offered to be saved. */
const SHOWN = /^(image\/(jpeg|png|gif|webp)|audio\/.*|video\/.*|text\/plain)$/;

/** Headers that go again when the file is not sent after all. */
const OWN_HEADERS = ['Content-Type', 'Content-Disposition', 'ETag', 'Content-Security-Policy'];

/** Sends an item: whole, in part (206, 416), or not at all when the client has it (304). HEAD works too. */
export function sendItem(response: Response, files: ContentFiles, item: ContentRecord): Promise<void> {
  response.set({
    'Content-Type': item.type,
    'Content-Disposition': disposition(item),
    ETag: `"${item.sha256}"`,
    // Revoked means revoked: caches ask every time, and get a 304.
    'Cache-Control': 'private, no-cache',
    // What somebody uploaded must not act as a page of ours.
    'Content-Security-Policy': "sandbox; default-src 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
  });
  const options = { cacheControl: false, lastModified: false, etag: false, dotfiles: 'allow' } as const;
  return new Promise((resolve, reject) => {
    response.sendFile(files.pathOf(item.id), options, (error?: Error) => {
      if (error === undefined || response.headersSent) {
        resolve();
        return;
      }
      for (const name of OWN_HEADERS) response.removeHeader(name);
      const status = 'status' in error ? error.status : undefined;
      if (status === 416) reject(new WebError(416, 'the range is outside of the content'));
      else reject(status === 404 ? new WebError(404, 'there is nothing here') : error);
    });
  });
}

/** RFC 6266: an ASCII name for the old, the whole one for the others. */
function disposition({ name, type }: ContentRecord): string {
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, '_');
  const whole = encodeURIComponent(name).replace(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `${SHOWN.test(type) ? 'inline' : 'attachment'}; filename="${ascii}"; filename*=UTF-8''${whole}`;
}

/** The octets of a request's body. @throws ContentError `cut-off` when the client goes away before the end. */
export async function* bodyOf(request: Request): AsyncIterable<Uint8Array> {
  try {
    for await (const piece of octets(request)) yield piece;
  } catch (error) {
    throw new ContentError('cut-off', 'the upload ended early', error);
  }
}

/** After a refusal, octets that are read and dropped so that the client gets to read why. */
const LINGER_BYTES = 1_048_576;

/** Reads on for a while and says that the connection ends with the answer. */
export async function turnAway(request: Request, response: Response): Promise<void> {
  if (request.complete || request.destroyed) return;
  response.set('Connection', 'close');
  let dropped = 0;
  try {
    for await (const piece of octets(request)) {
      dropped += piece.length;
      if (dropped > LINGER_BYTES) return;
    }
  } catch {
    // The client is gone; so is the need to tell it anything.
  }
}

/** Unlike a plain loop, ending early leaves the connection open for an answer. */
function octets(request: Request): AsyncIterable<Uint8Array> {
  return request.iterator({ destroyOnReturn: false });
}

/** What the client says the size is; undefined = it does not say. */
export function announcedSize(request: Request): number | undefined {
  const length = Number(request.headers['content-length'] ?? Number.NaN);
  return Number.isSafeInteger(length) && length >= 0 ? length : undefined;
}
