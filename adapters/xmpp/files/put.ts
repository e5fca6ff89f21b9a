// Sends a file to the address of an upload slot (XEP-0363 section 4). Knows nothing of XMPP beyond that.

import { asTransferError, checkedUrl, openPinned, TransferError } from './pinned-request.ts';
import type { TransferRules } from './pinned-request.ts';

export interface Upload {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly type: string;
  readonly octets: Buffer;
  readonly totalMs: number;
}

/** Resolves when the server has it. No redirects: the slot is the place. @throws TransferError */
export async function putFile(upload: Upload, rules: TransferRules): Promise<void> {
  const signal = AbortSignal.timeout(upload.totalMs);
  try {
    const answer = await openPinned(checkedUrl(upload.url, rules.insecure), rules, {
      method: 'PUT',
      headers: {
        ...upload.headers,
        'content-type': upload.type,
        'content-length': upload.octets.length,
      },
      body: upload.octets,
      signal,
    });
    const { statusCode = 0 } = answer;
    // What else it says is of no interest, however long it goes on.
    answer.destroy();
    if (statusCode >= 300 && statusCode < 400) throw new TransferError('redirects', undefined, statusCode);
    if (statusCode < 200 || statusCode >= 300) throw new TransferError('status', undefined, statusCode);
  } catch (error) {
    throw asTransferError(error, signal);
  }
}
