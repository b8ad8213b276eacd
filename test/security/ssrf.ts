/**
 * Ways to write, or to come to, an address that the shop must not be sent to. Staff type in where webhooks go, so whoever
 * is a member of the staff, or has stolen a session of one, would otherwise reach from the inside what the network keeps
 * from the outside: other services, databases, the cloud's own machines.
 *
 * All use https, but for those whose scheme is what is wrong, so that nothing is refused for a reason that is not its own.
 * Nothing here is meant to be connected to: names are under TLDs that never resolve, or are answered by the test.
 */
export interface Spelling {
  /** What is tried, for the name of the test. */
  what: string;
  url: string;
}

/** Refused by looking at the URL alone, as soon as somebody registers it: nothing has to be resolved. */
export const refusedSpellings: readonly Spelling[] = [
  // The machine itself, as it is written.
  { what: "loopback", url: "https://127.0.0.1/hook" },
  { what: "another address of loopback", url: "https://127.8.9.10/hook" },
  { what: "the last address of loopback", url: "https://127.255.255.255/hook" },
  { what: "loopback with a port", url: "https://127.0.0.1:5432/" },
  { what: "its name", url: "https://localhost/hook" },
  { what: "its name in capitals", url: "https://LOCALHOST/hook" },
  { what: "its name with a dot at its end", url: "https://localhost./hook" },
  { what: "a name under localhost, which is all loopback", url: "https://anything.localhost/hook" },
  { what: "a name under localhost, with a dot at its end", url: "https://anything.localhost./hook" },
  { what: "any address of this machine", url: "https://0.0.0.0/hook" },
  { what: "an address of this network", url: "https://0.1.2.3/hook" },
  { what: "loopback with a dot at its end", url: "https://127.0.0.1./hook" },

  // The same in the other ways that IPv4 can be written.
  { what: "loopback as one decimal number", url: "https://2130706433/hook" },
  { what: "loopback as one hexadecimal number", url: "https://0x7f000001/hook" },
  { what: "loopback as one octal number", url: "https://017700000001/hook" },
  { what: "loopback in hexadecimal parts", url: "https://0x7f.0x0.0x0.0x1/hook" },
  { what: "loopback in octal parts", url: "https://0177.0.0.1/hook" },
  { what: "loopback with zeros in front", url: "https://0000177.0.0.01/hook" },
  { what: "loopback in parts of three kinds", url: "https://0x7f.0.0.01/hook" },
  { what: "loopback in two parts", url: "https://127.1/hook" },
  { what: "loopback in three parts", url: "https://127.0.1/hook" },
  { what: "any address in one part", url: "https://0/hook" },
  { what: "any address in hexadecimal", url: "https://0x0/hook" },
  { what: "a private address as a decimal number", url: "https://167772161/hook" },
  { what: "a private address in three parts", url: "https://192.168.257/hook" },
  { what: "the cloud's own machine as a decimal number", url: "https://2852039166/latest/meta-data/" },
  { what: "the cloud's own machine in hexadecimal", url: "https://0xa9fea9fe/latest/meta-data/" },
  { what: "the cloud's own machine in octal parts", url: "https://0251.0376.0251.0376/latest/meta-data/" },
  { what: "loopback in digits with circles", url: "https://①②⑦.⓪.⓪.①/hook" },
  { what: "loopback in wide digits", url: "https://１２７.０.０.１/hook" },
  { what: "loopback with the full stops of another script", url: "https://127。0。0。1/hook" },
  { what: "localhost in wide letters", url: "https://ｌｏｃａｌｈｏｓｔ/hook" },
  { what: "localhost with a soft hyphen in it", url: "https://local\u00adhost/hook" },
  { what: "loopback, encoded", url: "https://%31%32%37.0.0.1/hook" },
  { what: "localhost, encoded", url: "https://%6c%6f%63%61%6c%68%6f%73%74/hook" },

  // Private, shared, special.
  { what: "a private network, 10/8", url: "https://10.0.0.1/hook" },
  { what: "a private network, 172.16/12, its first address", url: "https://172.16.0.0/hook" },
  { what: "a private network, 172.16/12, its last address", url: "https://172.31.255.255/hook" },
  { what: "a private network, 192.168/16", url: "https://192.168.1.1/hook" },
  { what: "a network of a provider's customers, 100.64/10", url: "https://100.64.0.1/hook" },
  { what: "the last address of 100.64/10", url: "https://100.127.255.255/hook" },
  { what: "a link-local address", url: "https://169.254.1.1/hook" },
  { what: "the cloud's own machine", url: "https://169.254.169.254/latest/meta-data/iam/security-credentials/" },
  { what: "the credentials of a container", url: "https://169.254.170.2/v2/credentials/" },
  { what: "another cloud's own machine", url: "https://100.100.100.200/latest/meta-data/" },
  { what: "another cloud's own machine, 192.0.0.192", url: "https://192.0.0.192/latest/" },
  { what: "addresses for protocols, 192.0.0/24", url: "https://192.0.0.8/hook" },
  { what: "addresses for examples, 192.0.2/24", url: "https://192.0.2.1/hook" },
  { what: "addresses for examples, 198.51.100/24", url: "https://198.51.100.1/hook" },
  { what: "addresses for examples, 203.0.113/24", url: "https://203.0.113.1/hook" },
  { what: "the relays of 6to4, 192.88.99/24", url: "https://192.88.99.1/hook" },
  { what: "a network for measuring, 198.18/15", url: "https://198.19.255.254/hook" },
  { what: "many at once, 224/4", url: "https://224.0.0.1/hook" },
  { what: "a network that is reserved, 240/4", url: "https://240.0.0.1/hook" },
  { what: "all at once", url: "https://255.255.255.255/hook" },

  // IPv6, and IPv4 inside of it.
  { what: "loopback of IPv6", url: "https://[::1]/hook" },
  { what: "loopback of IPv6 in full", url: "https://[0000:0000:0000:0000:0000:0000:0000:0001]/hook" },
  { what: "any address of IPv6", url: "https://[::]/hook" },
  { what: "IPv4 mapped into IPv6", url: "https://[::ffff:127.0.0.1]/hook" },
  { what: "IPv4 mapped into IPv6, in hexadecimal", url: "https://[::ffff:7f00:1]/hook" },
  { what: "IPv4 mapped into IPv6, in full", url: "https://[0:0:0:0:0:ffff:7f00:0001]/hook" },
  { what: "a private address mapped into IPv6", url: "https://[::ffff:10.0.0.1]/hook" },
  { what: "the cloud's own machine mapped into IPv6", url: "https://[::ffff:a9fe:a9fe]/latest/meta-data/" },
  { what: "IPv4 inside of IPv6 as it once was written", url: "https://[::127.0.0.1]/hook" },
  { what: "IPv4 translated, as SIIT writes it", url: "https://[::ffff:0:127.0.0.1]/hook" },
  { what: "IPv4 behind NAT64", url: "https://[64:ff9b::127.0.0.1]/hook" },
  { what: "the cloud's own machine behind NAT64", url: "https://[64:ff9b::a9fe:a9fe]/hook" },
  { what: "NAT64 of a local kind", url: "https://[64:ff9b:1::10.0.0.1]/hook" },
  { what: "loopback by 6to4", url: "https://[2002:7f00:1::]/hook" },
  { what: "a private address by 6to4", url: "https://[2002:a00:1::1]/hook" },
  { what: "an address by Teredo", url: "https://[2001:0:4136:e378:8000:63bf:3fff:fdd2]/hook" },
  { what: "a link-local address of IPv6", url: "https://[fe80::1]/hook" },
  { what: "the last link-local address of IPv6", url: "https://[febf:ffff::1]/hook" },
  { what: "a site-local address of IPv6", url: "https://[fec0::1]/hook" },
  { what: "a private address of IPv6, fc00::/8", url: "https://[fc00::1]/hook" },
  { what: "a private address of IPv6, fd00::/8", url: "https://[fd12:3456:789a::1]/hook" },
  { what: "the cloud's own machine by IPv6", url: "https://[fd00:ec2::254]/latest/meta-data/" },
  { what: "many at once by IPv6", url: "https://[ff02::1]/hook" },
  { what: "addresses for examples of IPv6", url: "https://[2001:db8::1]/hook" },
  { what: "addresses for examples of IPv6, 3fff::/20", url: "https://[3fff::1]/hook" },
  { what: "addresses that lead nowhere, 100::/64", url: "https://[100::1]/hook" },
  { what: "a link-local address with a zone", url: "https://[fe80::1%25eth0]/hook" },
  { what: "a link-local address with a zone, not encoded", url: "https://[fe80::1%eth0]/hook" },
  { what: "loopback with a zone", url: "https://[::1%251]/hook" },

  // Names that stand for what is inside.
  { what: "the cloud's own machine by its name", url: "https://metadata.google.internal/computeMetadata/v1/" },
  { what: "the same with a dot at its end", url: "https://metadata.google.internal./computeMetadata/v1/" },
  { what: "a name of the local network", url: "https://printer.local/hook" },
  { what: "a name of a home network", url: "https://router.home.arpa/hook" },
  { what: "a service of Kubernetes", url: "https://postgres.lonja.svc.cluster.local:5432/" },
  { what: "a name with no dot, which only the inside knows", url: "https://nats/hook" },
  { what: "a name with no dot and a port", url: "https://postgres:5432/" },

  // Where a careless reader sees another host than the one that is reached.
  { what: "a name and a password in front", url: "https://user:password@hooks.example.com/hook" },
  { what: "a name in front", url: "https://user@hooks.example.com/hook" },
  { what: "a good host in front of loopback", url: "https://hooks.example.com@127.0.0.1/hook" },
  { what: "a good host and port in front of loopback", url: "https://hooks.example.com:443@127.0.0.1/hook" },
  { what: "loopback in front of a good host", url: "https://127.0.0.1@hooks.example.com/hook" },
  { what: "an empty name in front", url: "https://@127.0.0.1/hook" },
  { what: "a good host in a fragment", url: "https://127.0.0.1#hooks.example.com" },
  { what: "a good host in a query", url: "https://127.0.0.1?hooks.example.com" },
  { what: "backslashes for slashes", url: "https:\\\\127.0.0.1\\hook" },
  { what: "a backslash before the at sign", url: "https://127.0.0.1\\@hooks.example.com/hook" },
  { what: "slashes left out", url: "https:127.0.0.1/hook" },
  { what: "slashes too many", url: "https:////127.0.0.1/hook" },
  { what: "a tab in the host", url: "https://127.0.\t0.1/hook" },
  { what: "a line break in the host", url: "https://127.0.0.1\r\nHost: hooks.example.com/hook" },
  { what: "a space in front", url: " https://127.0.0.1/hook" },

  // Other schemes than https.
  { what: "http", url: "http://hooks.example.com/hook" },
  { what: "a file", url: "file:///etc/passwd" },
  { what: "gopher", url: "gopher://127.0.0.1:6379/_FLUSHALL" },
  { what: "ftp", url: "ftp://hooks.example.com/hook" },
  { what: "data", url: "data:text/plain,hook" },
  { what: "javascript", url: "javascript:fetch('https://hooks.example.com')" },
  { what: "a socket of the web", url: "wss://hooks.example.com/hook" },
  { what: "a directory", url: "ldap://127.0.0.1/hook" },
  { what: "no scheme", url: "//hooks.example.com/hook" },
  { what: "a path", url: "/v1/admin/users" },
  { what: "nothing", url: "" },
  { what: "no host", url: "https://" },
  { what: "no host but a port", url: "https://:443/hook" },
  { what: "a host that is too long for any name", url: `https://${"a".repeat(300)}.example.com/hook` },
];

/** What nothing is wrong with. Names are answered by the test, with an address that is public. */
export const acceptedSpellings: readonly Spelling[] = [
  { what: "a name", url: "https://hooks.example.com/hook" },
  { what: "a name with a port, a path and a query", url: "https://hooks.example.com:8443/a/b?c=d" },
  { what: "a name with letters of any script", url: "https://bücher.example.com/hook" },
  { what: "a name that only looks like loopback", url: "https://127.0.0.1.example.com/hook" },
  { what: "a name that only begins like localhost", url: "https://localhost.example.com/hook" },
  { what: "a public address", url: "https://93.184.215.14/hook" },
  { what: "the address before a private network", url: "https://172.15.255.255/hook" },
  { what: "the address after a private network", url: "https://172.32.0.1/hook" },
  { what: "the address after 100.64/10", url: "https://100.128.0.1/hook" },
  { what: "a public address of IPv6", url: "https://[2606:2800:21f:cb07:6820:80da:af6b:8b2c]/hook" },
];

/** A public address, to answer names with that are to be taken. */
export const publicAddress = "93.184.215.14";

/**
 * Nothing is wrong with the name; it is what it stands for that must not be reached. `answers` are what the resolver says,
 * one time after the other: whoever asks twice is told something else the second time.
 */
export interface Resolution {
  what: string;
  host: string;
  answers: readonly (readonly string[])[];
}
export const refusedResolutions: readonly Resolution[] = [
  { what: "loopback", host: "inside.example.com", answers: [["127.0.0.1"]] },
  { what: "any address", host: "inside.example.com", answers: [["0.0.0.0"]] },
  { what: "a private network", host: "inside.example.com", answers: [["10.1.2.3"]] },
  { what: "the cloud's own machine", host: "inside.example.com", answers: [["169.254.169.254"]] },
  { what: "a network of a provider's customers", host: "inside.example.com", answers: [["100.64.0.1"]] },
  { what: "loopback of IPv6", host: "inside.example.com", answers: [["::1"]] },
  { what: "IPv4 mapped into IPv6", host: "inside.example.com", answers: [["::ffff:127.0.0.1"]] },
  { what: "a private address of IPv6", host: "inside.example.com", answers: [["fd00::1"]] },
  { what: "a link-local address with a zone", host: "inside.example.com", answers: [["fe80::1%eth0"]] },
  { what: "a public address and a private one", host: "both.example.com", answers: [[publicAddress, "192.168.0.1"]] },
  { what: "a private address and a public one", host: "both.example.com", answers: [["192.168.0.1", publicAddress]] },
  { what: "nothing", host: "nobody.example.com", answers: [[]] },
  { what: "what is no address", host: "odd.example.com", answers: [["localhost"]] },
  {
    what: "a public address when it is looked at, and loopback when it is connected to",
    host: "rebinding.example.com",
    answers: [[publicAddress], ["127.0.0.1"], ["127.0.0.1"]],
  },
  {
    what: "a private address at the first look, and a public one at the second",
    host: "rebinding.example.com",
    answers: [["127.0.0.1"], [publicAddress], [publicAddress]],
  },
];

/** Where a receiver that was let through may send on to. A redirect is an answer like any other, and not followed. */
export const redirects: readonly { what: string; status: number; location: string }[] = [
  { what: "loopback", status: 302, location: "https://127.0.0.1/" },
  { what: "loopback for good", status: 301, location: "http://127.0.0.1/" },
  { what: "loopback, with the same method", status: 307, location: "https://[::1]/" },
  {
    what: "the cloud's own machine, for good and with the same method",
    status: 308,
    location: "http://169.254.169.254/",
  },
  { what: "a file", status: 302, location: "file:///etc/passwd" },
  { what: "a path of its own", status: 303, location: "/elsewhere" },
];
