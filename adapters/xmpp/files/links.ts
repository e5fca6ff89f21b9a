// Links to files in messages: out-of-band data (XEP-0066), stateless file sharing (XEP-0447) and media sharing
// (XEP-0385), read; the first two written.

import { plainName } from '../contact-names.ts';
import { NS } from '../namespaces.ts';
import { childOf, elementsOf, stripIllegal, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';

export interface FileReference {
  readonly url: string;
  /** What its sender calls it; '' = nothing. */
  readonly name: string;
  /** What its sender says of it (XEP-0066); '' = nothing. */
  readonly description: string;
}

const MAX_NAME = 100;
const MAX_URL = 2_048;

/** The file that a message (or an iq of XEP-0066) shares; the first, if there are several. */
export function fileReferenceOf(message: XmlElement): FileReference | undefined {
  for (const read of [ofFileSharing, ofMediaSharing, ofOutOfBand]) {
    const found = read(message);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Media of OMEMO clients: encrypted files, whose keys are in the link. */
export function isEncryptedLink(text: string): boolean {
  return /^aesgcm:/i.test(text.trim());
}

/** What is left of a text when the file is shown whose link stands in a line or at the end. */
export function withoutLink(text: string, url: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== url);
  const trimmed = lines.join('\n').trim();
  return trimmed.endsWith(url) ? trimmed.slice(0, -url.length).trim().replace(/:$/, '') : trimmed;
}

/** How a file is shown to XMPP clients of any age, beside a body that is its URL. */
export function fileElements(file: {
  readonly url: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
}): readonly XmlElement[] {
  const metadata = xml(
    NS.fileMetadata,
    'file',
    {},
    xml(NS.fileMetadata, 'media-type', {}, file.type),
    xml(NS.fileMetadata, 'name', {}, file.name),
    xml(NS.fileMetadata, 'size', {}, String(file.size)),
  );
  const source = xml(NS.urlData, 'url-data', { target: file.url });
  return [
    xml(NS.oob, 'x', {}, xml(NS.oob, 'url', {}, file.url)),
    xml(
      NS.fileSharing,
      'file-sharing',
      { disposition: 'inline' },
      metadata,
      xml(NS.fileSharing, 'sources', {}, source),
    ),
  ];
}

function ofFileSharing(message: XmlElement): FileReference | undefined {
  const sharing = childOf(message, 'file-sharing', NS.fileSharing);
  const sources = sharing && childOf(sharing, 'sources');
  const url = sources && childOf(sources, 'url-data', NS.urlData)?.attrs['target'];
  if (sharing === undefined || url === undefined) return undefined;
  const file = childOf(sharing, 'file', NS.fileMetadata);
  return reference(url, file && childOf(file, 'name'), undefined);
}

function ofMediaSharing(message: XmlElement): FileReference | undefined {
  for (const outer of elementsOf(message)) {
    if (outer.name !== 'reference' || outer.ns !== NS.reference) continue;
    const sharing = childOf(outer, 'media-sharing', NS.sims);
    const sources = sharing && childOf(sharing, 'sources');
    const uris = sources === undefined ? [] : elementsOf(sources).map(({ attrs }) => attrs['uri'] ?? '');
    const url = uris.find((uri) => /^https?:/i.test(uri));
    const file = sharing && elementsOf(sharing).find(({ name }) => name === 'file');
    if (url !== undefined) return reference(url, file && childOf(file, 'name'), undefined);
  }
  return undefined;
}

function ofOutOfBand(message: XmlElement): FileReference | undefined {
  const outer = childOf(message, 'x', NS.oob) ?? childOf(message, 'query', NS.oobQuery);
  return outer && outOfBandLink(outer);
}

/** What an element of XEP-0066 links to; undefined for any other element. */
export function outOfBandLink(outer: XmlElement): FileReference | undefined {
  if (outer.ns !== NS.oob && outer.ns !== NS.oobQuery) return undefined;
  const url = childOf(outer, 'url');
  return url && reference(textOf(url), undefined, childOf(outer, 'desc'));
}

function reference(
  url: string,
  name: XmlElement | undefined,
  desc: XmlElement | undefined,
): FileReference | undefined {
  const trimmed = url.trim();
  if (trimmed === '' || trimmed.length > MAX_URL || /\s/.test(trimmed)) return undefined;
  return { url: trimmed, name: fileName(textOf(name)), description: plainName(textOf(desc)) };
}

/** Without folders, quotes and what no header can hold. */
function fileName(text: string): string {
  const last = stripIllegal(text).split(/[/\\]/).at(-1) ?? '';
  return last
    .replace(/[\r\n\t";]/g, '')
    .trim()
    .slice(0, MAX_NAME);
}
