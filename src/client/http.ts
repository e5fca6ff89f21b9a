// The HTTP binding from the client's side (csp-transport section 1): POST one message, get one message or nothing.

import { readMessage, type CspMessage } from '../access/csp/codec/binding.ts';
import { BindError } from '../access/csp/codec/errors.ts';
import { contentKind, decode, encode, isCodecError } from '../access/csp/codec/codec.ts';
import { WvTransportError } from './errors.ts';
import type { Settings } from './options.ts';

/** The Content-Type of each version and encoding (csp-xml section 1). */
export function contentType(version: Settings['version'], encoding: Settings['encoding']): string {
  return `application/vnd.wv.csp${version === '1.3' ? '+' : '.'}${encoding}`;
}

/** Posts a message until `over` is aborted. undefined = the answer is empty. Rejects with WvTransportError. */
export async function post(
  message: CspMessage,
  settings: Settings,
  over: AbortSignal,
): Promise<CspMessage | undefined> {
  // The encoder's view may be of a larger buffer; fetch sends the view alone.
  const body = encode(settings.encoding, message) as Uint8Array<ArrayBuffer>;
  const late = new AbortController();
  const cancel = settings.clock.after(settings.timeoutMs, () => late.abort('timeout'));
  try {
    const response = await settings.fetch(settings.url, {
      method: 'POST',
      headers: { 'Content-Type': contentType(message.version, settings.encoding) },
      body,
      signal: AbortSignal.any([late.signal, over]),
    });
    const octets = new Uint8Array(await response.arrayBuffer());
    if (response.status !== 200)
      throw new WvTransportError('http', settings.url, { status: response.status });
    return octets.length === 0 ? undefined : read(octets, response.headers.get('content-type'), settings);
  } catch (error) {
    if (error instanceof WvTransportError) throw error;
    const failure = over.aborted ? 'closed' : late.signal.aborted ? 'timeout' : 'unreachable';
    throw new WvTransportError(failure, settings.url, { cause: error });
  } finally {
    cancel();
  }
}

/** COMPAT(InterVillage): answers with application/xml, so only a type that names an encoding counts. */
function read(octets: Uint8Array, type: string | null, settings: Settings): CspMessage {
  const kind = contentKind(type ?? undefined) ?? settings.encoding;
  const decoded = decode(kind, octets);
  if (isCodecError(decoded)) throw new WvTransportError('malformed', decoded.message);
  const message = readMessage({ ...decoded, version: decoded.version ?? settings.version });
  if (message instanceof BindError)
    throw new WvTransportError('malformed', `${message.element} ${message.message}`);
  return message;
}
