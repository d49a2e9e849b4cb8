/** Whether a host, as in `HOST` or in a URL, is an address of the loopback interface, or `localhost`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host);
}

/** Whether nobody on the way can read or change what is sent to a URL: it is over TLS, or does not leave the machine. */
export function isProtectedUrl({ protocol, hostname }: URL): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname));
}

/**
 * Whether the `Host` header of a request names the loopback interface, in any notation that URLs allow. A page of another
 * site whose host name resolves to 127.0.0.1 (DNS rebinding) sends that name.
 */
export function isLoopbackAuthority(authority: string): boolean {
  const url = `http://${authority}/`;
  if (/[/\\?#@\s]/.test(authority) || !URL.canParse(url)) return false;
  return isLoopback(new URL(url).hostname);
}
