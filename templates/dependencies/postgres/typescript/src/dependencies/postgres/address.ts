// What the `sslmode` of an address means.

/**
 * The address as `pg` has to be told it, so that it means what it means to libpq. Without the last word `pg` takes
 * `require` for `verify-full`, which fails where the server's CA is none of the system's, as that of Amazon RDS is not:
 * https://github.com/brianc/node-postgres/tree/master/packages/pg-connection-string#tcp-connections
 * Two differences stay. `prefer` needs a server with TLS, as `require` does. `verify-ca` and `verify-full` look for no
 * `~/.postgresql/root.crt`: the first needs `sslrootcert`, the second trusts the CAs of Node without it.
 */
export function libpqAddress(url: string): string {
  return /[?&]sslmode=/.test(url) ? `${url}&uselibpqcompat=true` : url;
}
