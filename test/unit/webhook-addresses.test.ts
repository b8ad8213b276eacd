import { Guard, isPublic, Unreachable } from "../../services/notifications/address.edge.ts";
import { acceptedSpellings, publicAddress, refusedResolutions, refusedSpellings } from "../security/ssrf.ts";

/** Nobody is asked: what is wrong is seen at once. */
const unasked = async (host: string): Promise<readonly string[]> => {
  throw new Error(`${host} was looked up`);
};
const whyNot = (guard: Guard, url: string) =>
  guard.reach(url).then(
    () => "nothing",
    (error) => (error instanceof Unreachable ? error.message : Promise.reject(error)),
  );

describe("where webhooks are not sent", () => {
  test("the table is as long as it has to be", () => {
    expect(refusedSpellings.length + refusedResolutions.length).toBeGreaterThan(60);
  });

  test.each(refusedSpellings)("$what: $url", async ({ url }) => {
    expect(await whyNot(new Guard([], unasked), url)).toMatch(/^(must|is no URL)/);
  });

  test.each(refusedResolutions)("a name that stands for $what", async ({ host, answers }) => {
    let asked = 0;
    const guard = new Guard([], async () => answers[Math.min(asked++, answers.length - 1)] ?? []);
    const first = await guard.reach(`https://${host}/hook`).catch((error) => error);
    if (!(first instanceof Error)) {
      // Whatever the name stands for by now, the connection goes to what was checked.
      expect(first.addresses).toEqual([{ address: publicAddress, family: 4 }]);
      expect(await whyNot(guard, `https://${host}/hook`)).toMatch(/not public/);
    } else expect(first).toBeInstanceOf(Unreachable);
    expect(asked).toBeGreaterThan(0);
  });

  test.each(acceptedSpellings)("but $what: $url", async ({ url }) => {
    const { addresses = [] } = await new Guard([], async () => [publicAddress]).reach(url);
    expect(addresses).toHaveLength(1);
    expect(addresses.every(({ address }) => isPublic(address))).toBe(true);
  });

  test.each([
    ["168.63.129.16", "one cloud's own machine"],
    ["2001::1", "Teredo"],
    ["2002:5db8:d70e::1", "6to4 of a public address"],
    ["64:ff9b::5db8:d70e", "NAT64 of a public address"],
    ["::ffff:93.184.215.14", "a public address mapped into IPv6"],
    ["", "nothing"],
    ["93.184.215.14:80", "an address with a port"],
  ])("%s: %s", (address) => {
    expect(isPublic(address)).toBe(false);
  });

  test("a name that cannot be resolved is said to be one", async () => {
    const fails = async () => {
      throw Object.assign(new Error("queryA ENOTFOUND"), { code: "ENOTFOUND" });
    };
    expect(await whyNot(new Guard([], fails), "https://hooks.example.com")).toMatch(/cannot be resolved \(ENOTFOUND\)/);
  });
});

describe("what the operator answers for", () => {
  const guard = new Guard(["127.0.0.1:8080", "erp.lan:443", "[::1]:9000"], unasked);

  test.each(["http://127.0.0.1:8080/hook", "https://127.0.0.1:8080", "https://erp.lan/hook", "http://[::1]:9000/"])(
    "%s may be called, wherever it is",
    async (url) => {
      expect(await guard.reach(url)).toMatchObject({ addresses: undefined });
    },
  );

  test.each([
    "http://127.0.0.1:8081/",
    "http://127.0.0.1/",
    "http://erp.lan/hook",
    "https://127.0.0.2:8080/",
    "ftp://127.0.0.1:8080/",
    "http://user@127.0.0.1:8080/",
  ])("%s may not: it is another place", async (url) => {
    expect(await whyNot(guard, url)).toMatch(/^must/);
  });
});
