import { describe, expect, it } from 'vitest';
import type { Body, ElementName } from '../../../src/access/csp/codec/binding.ts';
import { BindError, buildElement, isBindError, readBody } from '../../../src/access/csp/codec/binding.ts';
import { node } from '../../../src/wv/element.ts';
import { text, xml } from './documents.ts';

function body<N extends ElementName>(document: string): Body<N> {
  const result = readBody<N>(xml(document));
  if (isBindError(result)) expect.fail(`${result.code} ${result.element}: ${result.message}`);
  return result;
}

describe('reading a body', () => {
  it('gives every kind of value its type', () => {
    const login = body<'Login-Request'>(
      '<Login-Request><UserID> wv:ann </UserID><ClientID><URL>u</URL></ClientID><DigestSchema>MD5</DigestSchema>' +
        '<DigestSchema>SHA</DigestSchema><TimeToLive>\n3600\n</TimeToLive><SessionCookie>c</SessionCookie></Login-Request>',
    );
    expect(login).toEqual({
      UserID: 'wv:ann',
      ClientID: { URL: 'u' },
      DigestSchema: ['MD5', 'SHA'],
      TimeToLive: 3600,
      SessionCookie: 'c',
    });
    expect(body<'GetList-Request'>('<GetList-Request/>')).toBe(true);
    expect(body<'Poll'>('<Poll>t</Poll>')).toBe(true);
  });

  it('takes any order, unknown elements and other spellings', () => {
    const subscribe = body<'SubscribePresence-Request'>(
      '<SubscribePresence-Request><Auto-Subscribe>F</Auto-Subscribe><Vendor><x/></Vendor>' +
        '<ContactList>l</ContactList></SubscribePresence-Request>',
    );
    expect(subscribe).toEqual({ AutoSubscribe: false, ContactList: ['l'] });
    expect(body<'BlockEntity-Request'>('<BlockUser-Request><BlockList/></BlockUser-Request>')).toEqual({
      BlockList: {},
    });
  });

  it('keeps free text to the last blank and trims identifiers', () => {
    expect(
      body<'GetMessage-Response'>(
        '<GetMessage-Response><ContentData> a \n</ContentData><MessageInfo><MessageID> m </MessageID></MessageInfo></GetMessage-Response>',
      ),
    ).toEqual({ ContentData: ' a \n', MessageInfo: { MessageID: 'm' } });
  });

  it('takes an empty boolean or integer for absent, as in example 078', () => {
    expect(body<'GrantList'>('<GrantList><InUse /><AddList/></GrantList>')).toEqual({ AddList: {} });
    expect(body<'KeepAlive-Request'>('<KeepAlive-Request><TimeToLive/></KeepAlive-Request>')).toEqual({});
  });

  it('takes bare text where older versions or peers have it', () => {
    expect(
      body<'Status'>('<Status><Result><Code>200</Code></Result><ClientID>phone</ClientID></Status>').ClientID,
    ).toEqual({ URL: 'phone' });
    expect(
      body<'GetSPInfo-Request'>('<GetSPInfo-Request><ClientID>+358401</ClientID></GetSPInfo-Request>')
        .ClientID,
    ).toEqual({ MSISDN: '+358401' });
    const list =
      '<CapabilityList><AcceptedContentType>text/plain</AcceptedContentType><AcceptedContentType>' +
      '<ContentType>image/gif</ContentType><ContentPolicy>N</ContentPolicy></AcceptedContentType></CapabilityList>';
    expect(body<'CapabilityList'>(list).AcceptedContentType).toEqual([
      { ContentType: 'text/plain' },
      { ContentType: 'image/gif', ContentPolicy: 'N' },
    ]);
  });

  it('keeps PresenceSubList as a tree, vendors’ attributes included', () => {
    const update =
      '<UpdatePresence-Request><PresenceSubList xmlns="urn:p"><X xmlns="urn:x">1</X></PresenceSubList></UpdatePresence-Request>';
    expect(text(body<'UpdatePresence-Request'>(update).PresenceSubList)).toContain('<X xmlns="urn:x">1</X>');
  });

  it('reads a child that may stand once where it stands first', () => {
    expect(body<'User'>('<User><UserID>a</UserID><UserID>b</UserID></User>')).toEqual({ UserID: 'a' });
  });

  it.each([
    ['0', 0],
    ['007', 7],
    ['0xff', 255],
    ['4294967295', 4_294_967_295],
  ])('reads the integer %s', (digits, value) => {
    expect(body<'Code'>(`<Code>${digits}</Code>`)).toBe(value);
  });

  it.each([
    ['<Code>4294967296</Code>', 402, 'Code'],
    ['<Code>-1</Code>', 402, 'Code'],
    ['<Code>1e3</Code>', 402, 'Code'],
    ['<Code>12 3</Code>', 402, 'Code'],
    ['<Code/>', 402, 'Code'],
    ['<Poll>yes</Poll>', 402, 'Poll'],
    ['<KeepAlive-Request><TimeToLive>soon</TimeToLive></KeepAlive-Request>', 402, 'TimeToLive'],
    ['<Login-Request/>', 400, 'UserID'],
    ['<RejectMessage-Request/>', 400, 'MessageID'],
    ['<Status><Result/></Status>', 400, 'Code'],
    ['<Frobnicate-Request/>', 400, 'Frobnicate-Request'],
    ['<toString/>', 400, 'toString'],
  ])('answers %s with %i about %s', (document, code, element) => {
    expect(readBody(xml(document))).toEqual(expect.objectContaining({ code, element }));
    expect(readBody(xml(document))).toBeInstanceOf(BindError);
  });
});

describe('building an element', () => {
  it('writes children in the order of the DTD', () => {
    const status = buildElement(
      'Status',
      { Result: { DetailedResult: [{ UserID: ['a', 'b'], Code: 531 }], Code: 201 } },
      '1.2',
    );
    expect(text(status)).toBe(
      '<Status><Result><Code>201</Code><DetailedResult><Code>531</Code><UserID>a</UserID><UserID>b</UserID>' +
        '</DetailedResult></Result></Status>',
    );
  });

  it('leaves out what the version does not have', () => {
    const response = { ClientID: { URL: 'u' }, Functions: {}, AllFunctions: { WVCSPFeat: {} } };
    expect(text(buildElement('Service-Response', response, '1.1'))).toContain('<ClientID>');
    expect(text(buildElement('Service-Response', response, '1.2'))).not.toContain('<ClientID>');
    const block = { BlockListInUse: true, BlockList: { InUse: true } };
    expect(text(buildElement('GetBlockedList-Response', block, '1.2'))).toBe(
      '<GetBlockedList-Response><BlockList><InUse>T</InUse></BlockList></GetBlockedList-Response>',
    );
    expect(text(buildElement('GetBlockedList-Response', block, '1.3'))).toBe(
      '<GetBlockedList-Response><BlockListInUse>T</BlockListInUse><BlockList/></GetBlockedList-Response>',
    );
  });

  it('writes AcceptedContentType as the version has it', () => {
    const list = { AcceptedContentType: [{ ContentType: 'text/plain' }] };
    expect(text(buildElement('CapabilityList', list, '1.2'))).toContain('<AcceptedContentType>text/plain</');
    expect(text(buildElement('CapabilityList', list, '1.3'))).toContain('<AcceptedContentType><ContentType>');
  });

  it('gives PresenceSubList the namespace of the version', () => {
    const tree = node('PresenceSubList', [node('OnlineStatus')], 'http://www.wireless-village.org/PA1.1');
    expect(text(buildElement('UpdatePresence-Request', { PresenceSubList: tree }, '1.3'))).toBe(
      '<UpdatePresence-Request><PresenceSubList xmlns="http://www.openmobilealliance.org/DTD/IMPS-PA1.3">' +
        '<OnlineStatus/></PresenceSubList></UpdatePresence-Request>',
    );
  });

  it('writes empty elements, numbers and booleans', () => {
    expect(text(buildElement('Logout-Request', true, '1.1'))).toBe('<Logout-Request/>');
    expect(text(buildElement('FundamentalFeat', { MF: true, SearchFunc: { SRCH: true } }, '1.2'))).toBe(
      '<FundamentalFeat><MF/><SearchFunc><SRCH/></SearchFunc></FundamentalFeat>',
    );
    expect(text(buildElement('SubscribeGroupNotice-Response', { Value: false }, '1.2'))).toContain(
      '<Value>F</Value>',
    );
  });

  it('gives back what it was given', () => {
    const sent: Body<'SendMessage-Request'> = {
      DeliveryReport: true,
      MessageInfo: {
        ContentType: 'text/plain',
        ContentSize: 5,
        Recipient: { User: [{ UserID: 'wv:bea@im.example' }] },
        Sender: { Group: { ScreenName: { SName: 'Ann', GroupID: 'g' } } },
        DateTime: '20050612T101500Z',
      },
      ContentData: ' Hello\n',
    };
    for (const version of ['1.1', '1.2', '1.3'] as const) {
      expect(readBody<'SendMessage-Request'>(buildElement('SendMessage-Request', sent, version))).toEqual(
        sent,
      );
    }
  });

  it('does not compile with elements that are not in the model', () => {
    // @ts-expect-error -- MessageInfo has no Subject
    buildElement('MessageNotification', { MessageInfo: { Subject: 'x' } }, '1.2');
    // @ts-expect-error -- Code is a number
    expect(text(buildElement('Result', { Code: '200' }, '1.2'))).toBe('<Result><Code>200</Code></Result>');
  });
});
