// Places: GeoLocation, Address and FreeTextLocation, and XEP-0080, both ways; its link as InfoLink (bridging 3.2).

import { child, leaf, node } from '../../src/wv/element.ts';
import { simple, WITHDRAWN } from '../../src/wv/presence.ts';
import type { PresenceAttribute, PresenceAttributes } from '../../src/wv/presence.ts';
import { NS } from './namespaces.ts';
import { childOf, textOf, xml } from './xml.ts';
import type { XmlElement } from './xml.ts';

/** Characters of one part of an address that come in. */
const MAX_PART = 100;

/** Fields of Address in their order, with their element of XEP-0080. */
const ADDRESS: readonly (readonly [field: string, element: string])[] = [
  ['Country', 'countrycode'],
  ['City', 'locality'],
  ['Street', 'street'],
  ['Building', 'building'],
  ['NamedArea', 'area'],
];

const DMS = /^\s*(\d{1,3})\s+(\d{1,2})\s+(\d{1,2}(?:\.\d{1,10})?)\s*([NSEW])\s*$/i;

/** Degrees of `35 24 15.652W`; plain degrees pass. Undefined: no such place. */
export function degreesOf(text: string, limit: 90 | 180): number | undefined {
  const parts = DMS.exec(text);
  if (parts === null) return decimal(text, limit);
  const [, degrees = '', minutes = '', seconds = '', hemisphere = ''] = parts;
  const size = Number(degrees) + Number(minutes) / 60 + Number(seconds) / 3_600;
  const sign = /[SW]/i.test(hemisphere) ? -1 : 1;
  return size <= limit && Number(minutes) < 60 && Number(seconds) < 60 ? sign * size : undefined;
}

function decimal(text: string, limit: number): number | undefined {
  if (!/^\s*[+-]?\d{1,3}(?:\.\d{1,15})?\s*$/.test(text)) return undefined;
  const value = Number(text);
  return Math.abs(value) <= limit ? value : undefined;
}

/** Degrees as `35 24 15.652W`. */
export function toDms(degrees: number, [positive, negative]: readonly [string, string]): string {
  const thousandths = Math.round(Math.abs(degrees) * 3_600_000);
  const seconds = (thousandths % 60_000) / 1_000;
  const minutes = Math.floor(thousandths / 60_000) % 60;
  const whole = Math.floor(thousandths / 3_600_000);
  return `${whole} ${minutes} ${seconds}${degrees < 0 ? negative : positive}`;
}

function fieldOf(attribute: PresenceAttribute | undefined, name: string): string {
  if (attribute?.valid !== true) return '';
  return child({ name: '', text: '', children: attribute.fields ?? [] }, name)?.text ?? '';
}

/** The item of a place, of what is authorised; empty when there is nothing. */
export function geolocItem(attributes: PresenceAttributes): XmlElement {
  const { GeoLocation, Address, FreeTextLocation } = attributes;
  const lat = degreesOf(fieldOf(GeoLocation, 'Latitude'), 90);
  const lon = degreesOf(fieldOf(GeoLocation, 'Longitude'), 180);
  const known = lat !== undefined && lon !== undefined;
  const values: (readonly [string, string])[] = known
    ? [
        ['lat', String(Number(lat.toFixed(7)))],
        ['lon', String(Number(lon.toFixed(7)))],
        ['alt', number(fieldOf(GeoLocation, 'Altitude'))],
        ['accuracy', number(fieldOf(GeoLocation, 'Accuracy'))],
      ]
    : [];
  for (const [field, element] of ADDRESS) values.push([element, fieldOf(Address, field)]);
  values.push(['text', FreeTextLocation?.valid === true ? (FreeTextLocation.value ?? '') : '']);
  const children = values.filter(([, value]) => value !== '');
  return xml(NS.geoloc, 'geoloc', {}, ...children.map(([name, value]) => xml(NS.geoloc, name, {}, value)));
}

function number(text: string): string {
  return /^\s*-?\d{1,7}(?:\.\d{1,6})?\s*$/.test(text) ? text.trim() : '';
}

type Place = Pick<PresenceAttributes, 'GeoLocation' | 'Address' | 'FreeTextLocation' | 'InfoLink'>;

/** The attributes of a contact's place; always all of them, so that what went away is told. */
export function readGeoloc(item: XmlElement): Place {
  const value = (name: string): string =>
    Array.from(textOf(childOf(item, name)).trim())
      .slice(0, MAX_PART)
      .join('');
  const lat = decimal(value('lat'), 90);
  const lon = decimal(value('lon'), 180);
  const address = ADDRESS.map(([field, element]) => leaf(field, value(element))).filter(
    ({ text }) => text !== '',
  );
  const free = value('text') === '' ? value('description') : value('text');
  const extra = [leaf('Altitude', number(value('alt'))), leaf('Accuracy', number(value('accuracy')))];
  return {
    GeoLocation:
      lat === undefined || lon === undefined
        ? WITHDRAWN
        : {
            valid: true,
            fields: [
              leaf('Longitude', toDms(lon, ['E', 'W'])),
              leaf('Latitude', toDms(lat, ['N', 'S'])),
              ...extra.filter(({ text }) => text !== ''),
            ],
          },
    Address: address.length === 0 ? WITHDRAWN : { valid: true, fields: address },
    FreeTextLocation: free === '' ? WITHDRAWN : simple(free),
    InfoLink: linkOf(textOf(childOf(item, 'uri')).trim()),
  };
}

function linkOf(uri: string): PresenceAttribute {
  if (!isLink(uri)) return WITHDRAWN;
  return { valid: true, fields: [node('Inf_link', [leaf('Link', uri)])] };
}

/** A link that may be handed on: of the web, and not too long. */
export function isLink(uri: string): boolean {
  return /^https?:\/\/[^\s<>"]{1,1000}$/i.test(uri);
}
