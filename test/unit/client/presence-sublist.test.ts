import { describe, expect, it } from 'vitest';
import {
  readPresenceSubList,
  writeAttributeNames,
  writePresenceSubList,
} from '../../../src/access/csp/presence-sublist.ts';
import { leaf, node, type Element } from '../../../src/wv/element.ts';
import { simple, WITHDRAWN, type PresenceAttributes } from '../../../src/wv/presence.ts';
import { NAMESPACES } from '../../../src/wv/version.ts';

const list = (...children: Element[]): Element => node('PresenceSubList', children);
const names = (element: Element): string[] => element.children.map(({ name }) => name);

describe('reading a PresenceSubList', () => {
  it('folds enumerations to upper case, also inside structures', () => {
    const { attributes } = readPresenceSubList(
      list(
        node('OnlineStatus', [leaf('Qualifier', 't'), leaf('PresenceValue', 't')]),
        node('UserAvailability', [leaf('Qualifier', 'T'), leaf('PresenceValue', '\nAvailable\n')]),
        node('CommCap', [leaf('Qualifier', 'T'), node('CommC', [leaf('Cap', 'im'), leaf('Status', 'Open')])]),
      ),
    );
    expect(attributes).toEqual({
      OnlineStatus: { valid: true, value: 'T' },
      UserAvailability: { valid: true, value: 'AVAILABLE' },
      CommCap: { valid: true, fields: [node('CommC', [leaf('Cap', 'IM'), leaf('Status', 'OPEN')])] },
    });
  });

  it('takes empty elements for requests and keeps them out of the values', () => {
    const read = readPresenceSubList(list(node('StatusText'), node('OnlineStatus')));
    expect(read.attributes).toEqual({});
    expect(read.requested).toEqual(['OnlineStatus', 'StatusText']);
  });

  it('takes a bare Qualifier T for "valid, value unchanged" (Movistar)', () => {
    const { attributes } = readPresenceSubList(list(node('OnlineStatus', [leaf('Qualifier', 'T')])));
    expect(attributes.OnlineStatus).toEqual({ valid: true });
  });

  it('forgets the value of what is not valid', () => {
    const { attributes } = readPresenceSubList(
      list(node('Alias', [leaf('Qualifier', 'F'), leaf('PresenceValue', 'Ann')])),
    );
    expect(attributes.Alias).toEqual(WITHDRAWN);
  });

  it('names unknown attributes and values outside an enumeration', () => {
    const read = readPresenceSubList(
      list(node('Horoscope'), node('StatusMood', [leaf('Qualifier', 'T'), leaf('PresenceValue', 'GRUMPY')])),
    );
    expect(read.unknown).toEqual(['Horoscope']);
    expect(read.invalid).toEqual(['StatusMood']);
    expect(read.attributes).toEqual({});
  });

  it('takes the first of the values per client of 1.3, without its ClientID', () => {
    const status = (value: string): Element =>
      node('OnlineStatus', [
        leaf('Qualifier', 'T'),
        leaf('PresenceValue', value),
        node('ClientID', [leaf('URL', 'x')]),
      ]);
    expect(readPresenceSubList(list(status('T'), status('F'))).attributes).toEqual({
      OnlineStatus: simple('T'),
    });
  });
});

describe('writing a PresenceSubList', () => {
  const detail: Element = { ...leaf('ClientTypeDetail', 'PC'), xmlns: 'http://vendor.example/PA-ext' };
  const attributes: PresenceAttributes = {
    InfoLink: { valid: true, fields: [node('Inf_link', [leaf('Link', 'http://a.example/')])] },
    StatusText: simple('on the train'),
    Alias: WITHDRAWN,
    ClientInfo: {
      valid: true,
      fields: [
        detail,
        leaf('ClientIMPriority', '3'),
        leaf('Language', 'eng'),
        leaf('ClientType', 'MOBILE_PHONE'),
      ],
    },
    OnlineStatus: simple('T'),
  };

  it('puts everything in the order of the standard, Qualifier first', () => {
    const written = writePresenceSubList(attributes, '1.2');
    expect(written.xmlns).toBe(NAMESPACES['1.2'].presence);
    expect(names(written)).toEqual(['OnlineStatus', 'ClientInfo', 'StatusText', 'Alias', 'InfoLink']);
    for (const attribute of written.children) expect(attribute.children[0]?.name).toBe('Qualifier');
  });

  it('leaves out what the version does not have and keeps vendor elements', () => {
    expect(names(writePresenceSubList(attributes, '1.1'))).not.toContain('InfoLink');
    const [, info] = writePresenceSubList(attributes, '1.1').children;
    expect(names(info ?? node(''))).toEqual(['Qualifier', 'ClientType', 'Language', 'ClientTypeDetail']);
    const [, newer] = writePresenceSubList(attributes, '1.3').children;
    expect(names(newer ?? node(''))).toContain('ClientIMPriority');
  });

  it('is read back to the same values', () => {
    const ordered = readPresenceSubList(writePresenceSubList(attributes, '1.3')).attributes;
    expect(readPresenceSubList(writePresenceSubList(ordered, '1.3')).attributes).toEqual(ordered);
    expect(ordered.StatusText).toEqual(attributes.StatusText);
    expect(ordered.Alias).toEqual(WITHDRAWN);
  });

  it('names wanted attributes as empty elements', () => {
    const wanted = writeAttributeNames(['InfoLink', 'StatusText', 'OnlineStatus'], '1.1');
    expect(wanted.children).toEqual([node('OnlineStatus'), node('StatusText')]);
  });
});
