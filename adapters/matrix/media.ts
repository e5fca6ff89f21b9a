// The homeserver's media repository (Client-Server API, "Content repository"): uploads, and downloads with our token.
// Bodies here are octets, and limited while they are read; the library knows neither.

import type { Metrics } from '../../src/sap/port.ts';
import { HomeserverError } from './errors.ts';
import type { MatrixUserId } from './ids.ts';
import { isRecord } from './events.ts';
import { isMediaUri, mediaPath } from './media-uri.ts';
import type { MediaUri } from './media-uri.ts';

export interface MediaOptions {
  readonly homeserverUrl: string;
  /** Secret. */
  readonly asToken: string;
  readonly metrics: Metrics;
}

export interface Upload {
  readonly octets: Buffer;
  /** MIME type. */
  readonly type: string;
  readonly name: string;
}

/** Deadlines, in ms. The homeserver may have to ask another one. */
const DOWNLOAD_MS = 20_000;
const UPLOAD_MS = 60_000;
/** How long the homeserver shall wait for a file that is still being uploaded, in ms. */
const PATIENCE_MS = 10_000;
/** Octets of an answer that is no file. */
const MAX_ANSWER = 16_384;

/** Newest first. COMPAT(Matrix < 1.11): no authenticated media. */
const DOWNLOADS = ['/_matrix/client/v1/media/download', '/_matrix/media/v3/download'] as const;

export class MediaRepository {
  readonly #options: MediaOptions;

  constructor(options: MediaOptions) {
    this.#options = options;
  }

  /** One try. @throws HomeserverError; 413: the homeserver takes none so large */
  async upload(as: MatrixUserId, { octets, type, name }: Upload): Promise<MediaUri> {
    const response = await this.#request('POST', '/_matrix/media/v3/upload', {
      query: { user_id: as, filename: name },
      timeoutMs: UPLOAD_MS,
      body: new Uint8Array(octets),
      type,
    });
    const uri = (await readJson(response))['content_uri'];
    if (!isMediaUri(uri)) throw new HomeserverError({ status: 502, errcode: 'M_UNKNOWN' });
    return uri;
  }

  /** One try. @throws HomeserverError; 413: larger than `maxBytes`, of which no more than that was read */
  async download(as: MatrixUserId, uri: MediaUri, maxBytes: number): Promise<Buffer> {
    const query = { user_id: as, timeout_ms: String(PATIENCE_MS) };
    const wanted = { query, timeoutMs: DOWNLOAD_MS };
    const [newest, older] = DOWNLOADS;
    try {
      return await read(await this.#request('GET', `${newest}/${mediaPath(uri)}`, wanted), maxBytes);
    } catch (error) {
      if (!(error instanceof HomeserverError) || error.errcode !== 'M_UNRECOGNIZED') throw error;
      return await read(await this.#request('GET', `${older}/${mediaPath(uri)}`, wanted), maxBytes);
    }
  }

  async #request(
    method: 'GET' | 'POST',
    path: string,
    { query, timeoutMs, body, type = 'application/octet-stream' }: Wanted,
  ): Promise<Response> {
    const { homeserverUrl, asToken, metrics } = this.#options;
    const call = method === 'GET' ? 'download' : 'upload';
    const url = `${homeserverUrl}${path}?${new URLSearchParams(query).toString()}`;
    const headers = {
      authorization: `Bearer ${asToken}`,
      ...(body === undefined ? {} : { 'content-type': type }),
    };
    try {
      // A redirect to another origin (a homeserver's object storage) is followed without our token.
      const signal = AbortSignal.timeout(timeoutMs);
      const response = await fetch(url, { method, headers, signal, ...(body === undefined ? {} : { body }) });
      if (!response.ok) throw await refusal(response);
      return response;
    } catch (error) {
      const failure = asHomeserverError(error);
      metrics.count('matrix_failures_total', { call, status: String(failure.status) });
      throw failure;
    }
  }
}

interface Wanted {
  readonly query: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly type?: string;
}

async function refusal(response: Response): Promise<HomeserverError> {
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  const { errcode } = await readJson(response);
  return new HomeserverError({
    status: response.status,
    errcode: typeof errcode === 'string' ? errcode : 'M_UNKNOWN',
    ...(Number.isFinite(retryAfter) && retryAfter >= 0 ? { retryAfterMs: retryAfter * 1000 } : {}),
  });
}

function asHomeserverError(error: unknown): HomeserverError {
  if (error instanceof HomeserverError) return error;
  return new HomeserverError({ status: 0, errcode: 'no answer' }, error);
}

/** Nothing where it is no JSON, as of a proxy before the homeserver: its status says enough. */
async function readJson(response: Response): Promise<Readonly<Record<string, unknown>>> {
  const body = await read(response, MAX_ANSWER);
  try {
    const answer: unknown = JSON.parse(body.toString('utf8'));
    return isRecord(answer) ? answer : {};
  } catch {
    return {};
  }
}

/** @throws HomeserverError 413, 0 */
async function read(response: Response, maxBytes: number): Promise<Buffer> {
  const tooLarge = () => new HomeserverError({ status: 413, errcode: 'M_TOO_LARGE' });
  const { body } = response;
  if (body === null) return Buffer.alloc(0);
  const chunks: Uint8Array[] = [];
  let size = 0;
  try {
    if (Number(response.headers.get('content-length')) > maxBytes) {
      await body.cancel();
      throw tooLarge();
    }
    for await (const chunk of body) {
      size += chunk.length;
      if (size > maxBytes) throw tooLarge();
      chunks.push(chunk);
    }
  } catch (error) {
    throw asHomeserverError(error);
  }
  return Buffer.concat(chunks, size);
}
