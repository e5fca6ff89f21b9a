// Addresses of the media repository (Client-Server API, "Matrix Content (mxc://) URIs"). Pure.

declare const brand: unique symbol;
/** `mxc://server/id`. */
export type MediaUri = string & { readonly [brand]: 'MediaUri' };

/** The id is opaque; but one that reads as a path is none. */
const MEDIA_URI = /^mxc:\/\/((?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?)\/([\w~=-]{1,255})$/;

export function isMediaUri(value: unknown): value is MediaUri {
  return typeof value === 'string' && value.length <= 512 && MEDIA_URI.test(value);
}

/** The path of a request for the media: server and id, percent-encoded. */
export function mediaPath(uri: MediaUri): string {
  const [, server = '', id = ''] = MEDIA_URI.exec(uri) ?? [];
  return `${encodeURIComponent(server)}/${encodeURIComponent(id)}`;
}
