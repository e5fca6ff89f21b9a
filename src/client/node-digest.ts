// MD5 and SHA-1 of Node, for the 4-way login.

import { createHash } from 'node:crypto';
import type { Digest } from './digest.ts';

export const nodeDigest: Digest = {
  schemas: ['MD5', 'SHA'],
  hash(schema, octets) {
    return Promise.resolve(
      createHash(schema === 'MD5' ? 'md5' : 'sha1')
        .update(octets)
        .digest(),
    );
  },
};
