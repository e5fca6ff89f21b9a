// HTTP File Upload (XEP-0363) as XMPP clients do it.

import { NS } from '../../adapters/xmpp/namespaces.ts';
import { childOf, elementsOf, textOf } from '../../adapters/xmpp/xml.ts';
import type { XmppUser } from './xmpp-user.ts';

/** A slot of the server's service, and the file into it. The address for others. */
export async function upload(user: XmppUser, domain: string, octets: Buffer, type: string): Promise<string> {
  const asked = `<request xmlns="${NS.upload}" filename="a.bin" size="${octets.length}" content-type="${type}"/>`;
  const answer = await user.asks(`upload.${domain}`, 'get', asked);
  const slot = childOf(answer, 'slot', NS.upload);
  const put = slot && childOf(slot, 'put');
  const headers = Object.fromEntries(
    (put === undefined ? [] : elementsOf(put)).map((header) => [header.attrs['name'] ?? '', textOf(header)]),
  );
  const stored = await fetch(put?.attrs['url'] ?? '', {
    method: 'PUT',
    body: new Uint8Array(octets),
    headers: { ...headers, 'content-type': type },
  });
  if (stored.status !== 201) throw new Error(`not stored: ${stored.status}`);
  return (slot && childOf(slot, 'get')?.attrs['url']) ?? '';
}
