import { realWorld } from "../../services/shared/world.ts";
import { openShop, type Shop } from "../shop.ts";

const eva = { email: "eva@lonja.test", password: "seven salty sardines" };
const tooMany = { type: "too_many_requests", code: 429, data: { retryAfterSeconds: expect.any(Number) } };
const typesOf = (outcomes: PromiseSettledResult<unknown>[]) =>
  outcomes.map((one) => (one.status === "rejected" ? one.reason.type : "taken"));

describe("failed attempts", () => {
  let shop: Shop;
  let aheadMs: number;

  beforeEach(async () => {
    aheadMs = 0;
    // The clock stands still but for what a test adds: on a slow machine nothing is forgiven meanwhile.
    const openedAt = realWorld.now();
    const world = { ...realWorld, now: () => openedAt + aheadMs };
    shop = await openShop({ services: ["users"], world, env: { RATE_LIMIT: "on" } });
    await shop.call("users.register", eva);
  });
  afterEach(() => shop.close());

  const from = (clientAddress: string) => ({ meta: { clientAddress } });
  const login = (password: string, address = "192.0.2.1", email = eva.email) =>
    shop.call("users.login", { email, password }, from(address));
  const wrongly = async (times: number, address?: (n: number) => string) => {
    const types: string[] = [];
    for (let n = 0; n < times; n++)
      types.push(...typesOf(await Promise.allSettled([login("seven sweet sardines", address?.(n))])));
    return types;
  };

  test("make the next one wait, on an account, from wherever they come", async () => {
    expect(await wrongly(5, (n) => `192.0.2.${n}`)).toEqual(Array(5).fill("invalid_credentials"));

    await expect(login(eva.password, "198.51.100.7")).rejects.toMatchObject(tooMany);
    aheadMs += 2_000;
    expect(await login(eva.password)).toMatchObject({ user: { email: eva.email } });
  });

  test("on an account that does not exist make the next one wait just so", async () => {
    const nobody = () => login(eva.password, "192.0.2.1", "nobody@lonja.test");
    const types = [];
    for (let n = 0; n < 6; n++) types.push(...typesOf(await Promise.allSettled([nobody()])));

    expect(types).toEqual([...Array(5).fill("invalid_credentials"), "too_many_requests"]);
  });

  test("from one client address make it wait, whichever accounts they try", async () => {
    const guess = (n: number) => login("seven sweet sardines", `2001:db8:1:2::${n}`, `guess-${n}@lonja.test`);
    const outcomes = [];
    for (let n = 0; n < 32; n++) outcomes.push(...(await Promise.allSettled([guess(n)])));

    expect(typesOf(outcomes).filter((type) => type === "invalid_credentials")).toHaveLength(30);
    await expect(login(eva.password, "2001:db8:1:2:ffff::1")).rejects.toMatchObject(tooMany);
    expect(await login(eva.password, "2001:db8:1:3::1")).toMatchObject({ expiresIn: 600 });
  });

  test("that come all at once gain nothing: the right guess among many is not told", async () => {
    const guesses = [...Array(30).fill("seven sweet sardines"), eva.password];
    const types = typesOf(await Promise.allSettled(guesses.map((guess) => login(guess))));

    expect(types.filter((type) => type === "invalid_credentials")).toHaveLength(5);
    expect(types.at(-1)).toBe("too_many_requests");
  });

  test("are forgiven by the right password", async () => {
    await wrongly(4);
    await login(eva.password);

    expect(await wrongly(4)).toEqual(Array(4).fill("invalid_credentials"));
  });

  test("to open an account that exists tell little", async () => {
    const register = (email: string) =>
      shop.call("users.register", { email, password: eva.password }, from("192.0.2.1"));
    const types = [];
    for (let n = 0; n < 7; n++) types.push(...typesOf(await Promise.allSettled([register(eva.email)])));

    expect(types).toEqual([...Array(5).fill("already_exists"), ...Array(2).fill("too_many_requests")]);
    expect(await login(eva.password)).toMatchObject({ expiresIn: 600 });
  });

  test("to refresh are limited per client address, and leave others alone", async () => {
    const { refreshToken } = await login(eva.password);
    const refresh = (token: string, address: string) =>
      shop.call("users.refresh", { refreshToken: token }, from(address));
    const types = typesOf(await Promise.allSettled(Array.from({ length: 120 }, () => refresh("garbage", "192.0.2.1"))));

    expect(types.filter((type) => type === "invalid_token")).toHaveLength(100);
    await expect(refresh(refreshToken, "192.0.2.1")).rejects.toMatchObject(tooMany);
    expect(await refresh(refreshToken, "192.0.2.2")).toMatchObject({ expiresIn: 600 });
  });
});
