// Configuration of the listeners.

import { z } from 'zod';
import { addressPrefix } from './login.ts';
import { host, port, seconds } from './values.ts';

const tlsSchema = z.strictObject({
  cert: z.string().describe('File with the certificate chain, PEM.'),
  key: z.string().describe('File with the private key, PEM.'),
});

export const listenSchema = z.strictObject({
  csp: z
    .strictObject({
      host: host
        .default('127.0.0.1')
        .describe('Address to listen on. Use 0.0.0.0 to serve phones of a network.'),
      port: port.default(8080).describe('Port of CSP over HTTP (or HTTPS when `tls` is set).'),
      path: z.string().startsWith('/').default('/csp').describe('Path of CSP; `/` is always served too.'),
      tls: tlsSchema.optional().describe('Serve HTTPS with this certificate.'),
      maxBody: z
        .int()
        .min(1024)
        .default(262_144)
        .describe('Largest request, bytes; more is answered HTTP 413.'),
      idleSeconds: seconds.default(300).describe('How long an idle connection stays open.'),
      maxConnections: z.int().min(1).default(20_000).describe('Connections at once; more are closed.'),
      trustedProxies: z
        .array(addressPrefix)
        .default([])
        .describe(
          'Addresses or prefixes of proxies in front: their X-Forwarded-For tells where a request comes from.',
        ),
    })
    .prefault({}),
  cir: z
    .strictObject({
      http: z
        .strictObject({
          url: z
            .url({ protocol: /^https?$/ })
            .refine((url) => url.endsWith('/'), 'must end with /')
            .describe(
              'Address under which clients reach `/cir/` of the CSP port, such as `http://im.example:8080/cir/`.',
            ),
        })
        .optional()
        .describe(
          'Let clients (1.2 and later) ask an address of their own whether something waits (SHTTP). Leave out to switch it off.',
        ),
      tcp: z
        .strictObject({
          host: host.default('127.0.0.1').describe('Address to listen on for standalone TCP CIR (STCP).'),
          port: port.default(3171).describe('Port for STCP. 3171 is what phones assume.'),
          address: z
            .string()
            .optional()
            .describe('Address told to phones (name or IP). Default: the listening address.'),
        })
        .optional()
        .describe('Call silent clients over a TCP connection they keep open. Leave out to switch STCP off.'),
      udp: z
        .boolean()
        .default(false)
        .describe('Call clients by UDP datagrams (SUDP) to the address they come from.'),
      wapUdp: z
        .boolean()
        .default(false)
        .describe('Call clients by WAP push over UDP (WAPUDP) to port 2948 of the address they come from.'),
    })
    .prefault({}),
  web: z
    .strictObject({
      host: host.default('127.0.0.1').describe('Address of the users’ HTTP API.'),
      port: port.default(8081).describe('Port of the users’ HTTP API.'),
      tls: tlsSchema
        .optional()
        .describe('Serve HTTPS with this certificate. Passwords travel here: use it beyond loopback.'),
      maxConnections: z.int().min(1).default(1_000).describe('Connections at once; more are closed.'),
    })
    .optional()
    .describe('HTTP API with which users read and change their profile.'),
  ops: z
    .strictObject({
      host: host.default('127.0.0.1').describe('Address of the operator endpoint.'),
      port: port.default(9090).describe('Port of /healthz, /readyz and /metrics.'),
    })
    .prefault({}),
});
