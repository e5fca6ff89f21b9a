// HTTP File Upload (XEP-0363): which service there is, what it takes, and slots of it.

import type { Bridge } from '../bridge.ts';
import type { IqRequests } from '../iq-requests.ts';
import { parseJid } from '../jid.ts';
import type { BareJid } from '../jid.ts';
import { NS } from '../namespaces.ts';
import { childOf, elementsOf, textOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';

export interface UploadService {
  readonly jid: string;
  /** Octets of one file; Infinity = it names no limit. */
  readonly maxBytes: number;
}

export interface Slot {
  readonly put: string;
  readonly get: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** How long what was found counts, and how long that nothing was found. */
const FOUND_MS = 3_600_000;
const MISSING_MS = 60_000;
/** Items asked of one server. */
const MAX_ITEMS = 30;
/** The headers a service may have us send (XEP-0363 section 5). */
const HEADERS: ReadonlyMap<string, string> = new Map([
  ['authorization', 'Authorization'],
  ['cookie', 'Cookie'],
  ['expires', 'Expires'],
]);
const MAX_HEADER = 4_096;

interface Known {
  readonly until: number;
  readonly service: Promise<UploadService | undefined>;
}

export class UploadServices {
  readonly #bridge: Bridge;
  readonly #requests: IqRequests;
  #known: Known | undefined;

  constructor(bridge: Bridge, requests: IqRequests) {
    this.#bridge = bridge;
    this.#requests = requests;
  }

  /** The service of our server; undefined = none, or nobody answers. Never rejects. */
  async find(): Promise<UploadService | undefined> {
    const now = this.#bridge.relay.clock.now();
    if (this.#known !== undefined && this.#known.until > now) return await this.#known.service;
    const service = this.#look();
    this.#known = { until: now + MISSING_MS, service };
    const found = await service;
    if (found !== undefined) this.#known = { until: now + FOUND_MS, service };
    return found;
  }

  /**
   * A place for a file; undefined = refused, or what came is no slot. The user asks: services count what each may upload. Never
   * rejects.
   */
  async slot(
    asker: BareJid,
    service: UploadService,
    file: { readonly name: string; readonly size: number; readonly type: string },
  ): Promise<Slot | undefined> {
    const { name: filename, size, type } = file;
    const wanted = xml(NS.upload, 'request', { filename, size: String(size), 'content-type': type });
    const answer = await this.#ask(service.jid, wanted, asker);
    return answer && slotOf(answer);
  }

  async #look(): Promise<UploadService | undefined> {
    const { uploadService } = this.#bridge.settings.files;
    if (uploadService !== undefined) return (await this.#info(uploadService)) ?? undefined;
    for (const server of this.#servers()) {
      const answer = await this.#ask(server, xml(NS.discoItems, 'query'));
      const items = elementsOf(answer ?? xml(NS.discoItems, 'query'))
        .map(({ attrs }) => attrs['jid'] ?? '')
        .filter((jid) => parseJid(jid)?.local === '');
      const services = await Promise.all([
        this.#info(server),
        ...items.slice(0, MAX_ITEMS).map((jid) => this.#info(jid)),
      ]);
      const found = services.find((service) => service !== undefined);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** The domain above the component's, and those whose users are routed here in full: the server's own. */
  #servers(): readonly string[] {
    const { componentDomain, domains } = this.#bridge.settings;
    const above = componentDomain.split('.').slice(1).join('.');
    const candidates = above.includes('.') ? [above, ...domains] : [...domains];
    return [...new Set(candidates)].slice(0, 3);
  }

  async #info(jid: string): Promise<UploadService | undefined> {
    const { componentDomain, groupsComponent } = this.#bridge.settings;
    if (jid === componentDomain || jid === groupsComponent) return undefined;
    const answer = await this.#ask(jid, xml(NS.discoInfo, 'query'));
    const offers = (answer === undefined ? [] : elementsOf(answer)).some(
      ({ name, attrs }) => name === 'feature' && attrs['var'] === NS.upload,
    );
    return answer !== undefined && offers ? { jid, maxBytes: limitOf(answer) } : undefined;
  }

  async #ask(
    to: string,
    payload: XmlElement,
    from: string = this.#bridge.settings.componentDomain,
  ): Promise<XmlElement | undefined> {
    const answer = await this.#requests.ask(from, to, 'get', payload);
    return 'error' in answer ? undefined : answer.payload;
  }
}

/** The limit in the service's form (XEP-0363 section 4). */
function limitOf(info: XmlElement): number {
  for (const form of elementsOf(info).filter(({ ns }) => ns === NS.dataForm)) {
    const fields = elementsOf(form);
    const value = (name: string): string => {
      const field = fields.find(({ attrs }) => attrs['var'] === name);
      return textOf(field && childOf(field, 'value'));
    };
    const limit = Number(value('max-file-size'));
    if (value('FORM_TYPE') === NS.upload && limit > 0) return limit;
  }
  return Infinity;
}

function slotOf(answer: XmlElement): Slot | undefined {
  if (answer.name !== 'slot' || answer.ns !== NS.upload) return undefined;
  const put = childOf(answer, 'put');
  const putUrl = put?.attrs['url'];
  const getUrl = childOf(answer, 'get')?.attrs['url'];
  if (put === undefined || putUrl === undefined || getUrl === undefined) return undefined;
  return { put: putUrl, get: getUrl, headers: headersOf(put) };
}

function headersOf(put: XmlElement): Readonly<Record<string, string>> {
  const headers: Record<string, string> = {};
  for (const header of elementsOf(put)) {
    const name = HEADERS.get((header.attrs['name'] ?? '').trim().toLowerCase());
    const value = textOf(header).replace(/[^\u0020-\u007e]/g, '');
    if (header.name === 'header' && name !== undefined && value.length <= MAX_HEADER) headers[name] = value;
  }
  return headers;
}
