import { clientAddress } from "../../services/gateway/reception.edge.ts";
import { networkOf } from "../../services/shared/address.ts";

describe("the address of a client", () => {
  test.each([
    ["nobody is believed", 0, "6.6.6.6", "10.0.0.1"],
    ["one proxy has added the last entry", 1, "6.6.6.6, 203.0.113.7", "203.0.113.7"],
    ["two proxies have added the last two", 2, "6.6.6.6, 203.0.113.7, 10.0.0.9", "203.0.113.7"],
    ["fewer entries than proxies", 2, "203.0.113.7", "203.0.113.7"],
    ["no entry at all", 1, undefined, "10.0.0.1"],
    ["an entry that is no address", 1, "6.6.6.6, evil", "10.0.0.1"],
    ["an empty header", 1, "", "10.0.0.1"],
    ["IPv6 by way of a proxy", 1, "2001:db8::7", "2001:db8::7"],
  ])("%s", (_what, proxies, forwardedFor, address) => {
    expect(clientAddress("10.0.0.1", forwardedFor, proxies)).toBe(address);
  });

  test("IPv4 is the same whichever socket it came by", () => {
    expect(clientAddress("::ffff:203.0.113.7", undefined, 0)).toBe("203.0.113.7");
    expect(clientAddress(undefined, undefined, 0)).toBe("unknown");
  });

  test.each([
    ["203.0.113.9", "203.0.113.9"],
    ["::ffff:203.0.113.9", "203.0.113.9"],
    ["2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::/64"],
    ["2001:DB8:0001:2::1", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002::", "2001:db8:1:2::/64"],
    ["2001:db8::1", "2001:db8:0:0::/64"],
    ["fe80::1%eth0", "fe80:0:0:0::/64"],
    ["::1", "0:0:0:0::/64"],
    ["unknown", "unknown"],
  ])("%s counts as %s: a customer's 2^64 addresses of IPv6 are one network", (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});
