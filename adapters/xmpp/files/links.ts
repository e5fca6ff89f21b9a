// Links to files in messages: out-of-band data (XEP-0066), stateless file sharing (XEP-0447) and media sharing
// (XEP-0385), read; the first two written.

import { NS } from '../namespaces.ts';
import { childOf, elementsOf, stripIllegal, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';

export interface FileReference {
  readonly url: string;
  /** What its sender calls it; '' = nothing. */
  readonly name: string;
  /** What was written beside it; '' = nothing. */
  readonly caption: string;
}

const MAX_NAME = 100;

/** The file that a message (or an iq of XEP-0066) shares; the first, if there are several. `body`: its text. */
export function fileReferenceOf(message: XmlElement, body: string): FileReference | undefined {
  for (const read of [ofFileSharing, ofMediaSharing, ofOutOfBand]) {
    const found = read(message);
    if (found !== undefined) return { ...found, caption: captionOf(found, body) };
  }
  return undefined;
}

/** Media of OMEMO clients: encrypted files, whose keys are in the link. */
export function isEncryptedLink(reference: FileReference | undefined, body: string): boolean {
  return [reference?.url ?? '', body.trim()].some((text) => /^aesgcm:/i.test(text));
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
  const url = outer && childOf(outer, 'url');
  return outer && url && reference(textOf(url), undefined, childOf(outer, 'desc'));
}

function reference(
  url: string,
  name: XmlElement | undefined,
  desc: XmlElement | undefined,
): FileReference | undefined {
  const trimmed = url.trim();
  if (trimmed === '') return undefined;
  return { url: trimmed, name: fileName(textOf(name)), caption: textOf(desc).trim() };
}

/** A body that is the link, or repeats it at its end, is there for clients that know no better. */
function captionOf(found: FileReference, body: string): string {
  const text = body.trim();
  if (text === found.url || text === '') return found.caption;
  if (text.endsWith(found.url)) return text.slice(0, -found.url.length).trim();
  return text;
}

/** Without folders, quotes and what no header can hold. */
function fileName(text: string): string {
  const last = stripIllegal(text).split(/[/\\]/).at(-1) ?? '';
  return last
    .replace(/[\r\n\t";]/g, '')
    .trim()
    .slice(0, MAX_NAME);
}
