// Properties of groups that are rooms of other servers (bridging section 7.1): read by service discovery (XEP-0045
// section 6.4), set by the subject and the owner's form (section 10.2).

import { status } from '../../../src/wv/primitives.ts';
import type {
  GetGroupPropsResponse,
  GroupProperty,
  SetGroupPropsRequest,
  Status,
} from '../../../src/wv/primitives.ts';
import { isSuccess, OK, result } from '../../../src/wv/status.ts';
import type { Result } from '../../../src/wv/status.ts';
import { statusOfError } from '../errors.ts';
import type { IqRequests } from '../iq-requests.ts';
import { NS } from '../namespaces.ts';
import { table } from '../table.ts';
import { elementsOf, xml } from '../xml.ts';
import type { XmlElement } from '../xml.ts';
import { ADMINISTERING } from './codes.ts';
import { formIn, inside, submission, valueOf } from './form.ts';
import type { FormFields } from './form.ts';
import type { Guests, Place } from './guests.ts';
import type { Guest } from './room.ts';
import type { Speaking } from './speaking.ts';
import { puppetJid } from './stanzas.ts';

/** Longest Name or Topic handed on, characters. */
const MAX_TEXT = 200;

interface Field {
  /** The room's configuration field, by the services that have it. */
  readonly names: readonly string[];
  /** The field's value for a property's, or undefined for one that cannot be. */
  readonly write: (value: string, field: string) => string | undefined;
}

const flag =
  (yes: string, no: string) =>
  (value: string): string | undefined =>
    /^t$/i.test(value) ? yes : /^f$/i.test(value) ? no : undefined;
const PREFIX = 'muc#roomconfig_';

const ACCESS = table({ open: '0', restricted: '1' });
/** What an owner can set. `allow_private_messages`: COMPAT(ejabberd), a boolean. */
const FIELDS = table<Field>({
  Name: { names: [`${PREFIX}roomname`], write: (value) => value },
  Accesstype: {
    names: [`${PREFIX}membersonly`],
    write: (value) => ACCESS[value.toLowerCase()],
  },
  PrivateMessaging: {
    names: [`${PREFIX}allowpm`, 'allow_private_messages'],
    write: (value, field) =>
      (field === 'allow_private_messages' ? flag('1', '0') : flag('anyone', 'none'))(value),
  },
  Searchable: { names: [`${PREFIX}publicroom`], write: flag('1', '0') },
  MaxActiveUsers: {
    names: [`${PREFIX}maxusers`],
    write: (value) => (/^\d{1,7}$/.test(value) ? value : undefined),
  },
  AutoDelete: { names: [`${PREFIX}persistentroom`], write: flag('0', '1') },
});

const DESCRIBED = xml(NS.discoInfo, 'query');

export class RoomProperties {
  readonly #guests: Guests;
  readonly #iq: IqRequests;
  readonly #speaking: Speaking;

  constructor(guests: Guests, iq: IqRequests, speaking: Speaking) {
    this.#guests = guests;
    this.#iq = iq;
    this.#speaking = speaking;
  }

  /** 800, 504; anybody may ask. */
  async get({ userJid, roomJid }: Place): Promise<GetGroupPropsResponse | Status> {
    const answer = await this.#iq.ask(puppetJid(userJid), roomJid, 'get', DESCRIBED);
    if ('error' in answer) return status(statusOfError(answer.error, ADMINISTERING));
    const info = inside(answer.payload, 'query', NS.discoInfo);
    if (
      !elementsOf(info).some(({ name, attrs }) => name === 'identity' && attrs['category'] === 'conference')
    ) {
      return status(result(800));
    }
    const guest = this.#guests.find(userJid, roomJid);
    return {
      primitive: 'GetGroupPropsResponse',
      result: OK,
      properties: propertiesOf(info, guest),
      ownProperties: ownPropertiesOf(guest),
    };
  }

  /** 808, 816, and 806 for what a room has not. Giving back what was read is no change: phones do that. */
  async set(place: Place, request: SetGroupPropsRequest): Promise<Status> {
    const guest = this.#guests.find(place.userJid, place.roomJid);
    if (guest?.state !== 'in') return status(result(guest === undefined ? 808 : 503));
    if ((request.welcomeNote ?? '') !== '') return status(result(806, 'WelcomeNote'));
    const now = await this.get(place);
    if (now.primitive !== 'GetGroupPropsResponse') return now;
    const own = changes(request.ownProperties ?? [], now.ownProperties);
    if (own.length > 0) return status(result(806, `${own[0]?.name ?? ''} cannot be set`));
    const wanted = changes(request.properties ?? [], now.properties);
    const topic = wanted.find(({ name }) => name === 'Topic');
    const others = wanted.filter(({ name }) => name !== 'Topic');
    const configured = others.length === 0 ? OK : await this.#configure(place, others);
    if (!isSuccess(configured) || topic === undefined) return status(configured);
    return status(await this.#speaking.setSubject(guest, topic.value));
  }

  async #configure({ userJid, roomJid }: Place, wanted: readonly GroupProperty[]): Promise<Result> {
    const from = puppetJid(userJid);
    const answer = await this.#iq.ask(from, roomJid, 'get', xml(NS.mucOwner, 'query'));
    if ('error' in answer) return statusOfError(answer.error, ADMINISTERING);
    const form = formIn(inside(answer.payload, 'query', NS.mucOwner));
    if (form === undefined) return result(816);
    const filled = filledIn(form, wanted);
    if ('code' in filled) return filled;
    const query = xml(NS.mucOwner, 'query', {}, submission(filled));
    const done = await this.#iq.ask(from, roomJid, 'set', query);
    return 'error' in done ? statusOfError(done.error, ADMINISTERING) : OK;
  }
}

function filledIn(form: FormFields, wanted: readonly GroupProperty[]): FormFields | Result {
  const filled = new Map(form);
  for (const { name, value } of wanted) {
    const field = FIELDS[name];
    const known = field?.names.find((each) => form.has(each));
    if (field === undefined || known === undefined) return result(806, `${name} cannot be set`);
    const written = field.write(value, known);
    if (written === undefined) return result(806, `${name}: invalid value`);
    filled.set(known, [written]);
  }
  return filled;
}

/** Those that are not as they were, by the names of the table; an unknown one counts. */
function changes(wanted: readonly GroupProperty[], now: readonly GroupProperty[]): readonly GroupProperty[] {
  return wanted.flatMap(({ name, value }) => {
    const known = now.find((property) => property.name.toLowerCase() === name.trim().toLowerCase());
    const canonical = { name: known?.name ?? nameOf(name), value: value.trim() };
    return known?.value === canonical.value ? [] : [canonical];
  });
}

function nameOf(name: string): string {
  const wanted = name.trim().toLowerCase();
  return [...Object.keys(FIELDS), 'Topic'].find((known) => known.toLowerCase() === wanted) ?? name.trim();
}

function propertiesOf(info: XmlElement, guest: Guest | undefined): readonly GroupProperty[] {
  const has = (feature: string) =>
    elementsOf(info).some(({ name, attrs }) => name === 'feature' && attrs['var'] === feature);
  const form = formIn(info, NS.mucRoomInfo);
  const identity = elementsOf(info).find(({ name }) => name === 'identity');
  const values: Readonly<Record<string, string | undefined>> = {
    Name: valueOf(form, `${PREFIX}roomname`) ?? identity?.attrs['name'],
    Accesstype: has('muc_membersonly') ? 'Restricted' : 'Open',
    Type: has('muc_hidden') ? 'Private' : 'Public',
    PrivateMessaging: valueOf(form, `${PREFIX}allowpm`) === 'none' ? 'F' : 'T',
    Searchable: has('muc_hidden') ? 'F' : 'T',
    Topic: guest?.state === 'in' ? guest.room.subject : valueOf(form, 'muc#roominfo_subject'),
    ActiveUsers: numberOf(valueOf(form, 'muc#roominfo_occupants')),
    MaxActiveUsers: numberOf(valueOf(form, `${PREFIX}maxusers`)),
    AutoDelete: has('muc_temporary') ? 'T' : 'F',
    History: has('urn:xmpp:mam:2') ? 'T' : 'F',
  };
  return Object.entries(values).flatMap(([name, value]) =>
    value === undefined || value === '' ? [] : [{ name, value: value.slice(0, MAX_TEXT) }],
  );
}

function numberOf(text: string | undefined): string | undefined {
  return text !== undefined && /^\d{1,7}$/.test(text) ? text : undefined;
}

function ownPropertiesOf(guest: Guest | undefined): readonly GroupProperty[] {
  const { affiliation = 'none', role = 'none', room } = guest ?? {};
  const isMember = affiliation !== 'none' && affiliation !== 'outcast';
  return [
    { name: 'IsMember', value: isMember ? 'T' : 'F' },
    { name: 'PrivilegeLevel', value: privilegeOf(affiliation, role) },
    { name: 'AutoJoin', value: 'F' },
    { name: 'PrivateMessaging', value: 'T' },
    { name: 'ShowID', value: room?.nonAnonymous === true ? 'T' : 'F' },
  ];
}

/** Owner and admin ⇄ Admin, moderator ⇄ Mod (bridging 7.2). */
function privilegeOf(affiliation: string, role: string): 'Admin' | 'Mod' | 'User' {
  if (affiliation === 'owner' || affiliation === 'admin') return 'Admin';
  return role === 'moderator' ? 'Mod' : 'User';
}
