import { decodeJwt } from "jose";
import { realWorld } from "../../services/shared/world.ts";
import { openShop, type Shop } from "../shop.ts";

const eva = { email: "eva@lonja.test", password: "seven salty sardines" };
const invalid = { type: "invalid_token", code: 401 };

describe("refresh tokens", () => {
  let shop: Shop;
  let aheadMs: number;

  beforeEach(async () => {
    aheadMs = 0;
    shop = await openShop({ services: ["users"], world: { ...realWorld, now: () => realWorld.now() + aheadMs } });
  });
  afterEach(() => shop.close());

  const register = () => shop.call("users.register", eva);
  const refresh = (refreshToken: string) => shop.call("users.refresh", { refreshToken });
  const logout = (refreshToken: string) => shop.call("users.logout", { refreshToken });

  test("a token used twenty times at once has one successor, and the session goes on", async () => {
    const { refreshToken } = await register();
    const answers = await Promise.all(Array.from({ length: 20 }, () => refresh(refreshToken)));

    const successors = new Set(answers.map((answer) => answer.refreshToken));
    expect(successors.size).toBe(1);
    for (const successor of successors) expect(await refresh(successor)).toMatchObject({ user: { email: eva.email } });
  });

  test("an answer that was lost is given again within ten seconds", async () => {
    const { refreshToken } = await register();
    const lost = await refresh(refreshToken);
    aheadMs += 9_000;
    const again = await refresh(refreshToken);

    expect(again.refreshToken).toBe(lost.refreshToken);
    expect(again.refreshToken).not.toBe(refreshToken);
  });

  test("a used token that comes after ten seconds ends the session, for the thief and for the owner", async () => {
    const { refreshToken } = await register();
    const { refreshToken: successor } = await refresh(refreshToken);
    aheadMs += 11_000;

    await expect(refresh(refreshToken)).rejects.toMatchObject(invalid);
    await expect(refresh(successor)).rejects.toMatchObject(invalid);
    await expect(refresh(refreshToken)).rejects.toMatchObject(invalid);
  });

  test("a token of three refreshes ago ends the session at any time", async () => {
    const first = await register();
    const second = await refresh(first.refreshToken);
    const third = await refresh(second.refreshToken);

    await expect(refresh(first.refreshToken)).rejects.toMatchObject(invalid);
    await expect(refresh(third.refreshToken)).rejects.toMatchObject(invalid);
  });

  test("ending one session leaves the others alone", async () => {
    const one = await register();
    const other = await shop.call("users.login", eva);
    await logout(one.refreshToken);

    await expect(refresh(one.refreshToken)).rejects.toMatchObject(invalid);
    expect(await refresh(other.refreshToken)).toMatchObject({ user: { id: one.user.id } });
  });

  test("signing out twice, with a used token or with garbage is answered alike", async () => {
    const { refreshToken } = await register();
    const { refreshToken: successor } = await refresh(refreshToken);

    const garbage = ["x", "ses_\u0000", "__proto__", `ses_${"0".repeat(32)}.${"A".repeat(43)}`, "a".repeat(512)];
    for (const token of [successor, successor, refreshToken, ...garbage]) expect(await logout(token)).toBeNull();
    for (const token of [successor, ...garbage]) await expect(refresh(token)).rejects.toMatchObject(invalid);
  });

  test("a disabled account cannot refresh, not even after it is enabled again", async () => {
    const { user, refreshToken } = await register();
    await shop.call("users.change", { id: user.id, disabled: true });
    await expect(refresh(refreshToken)).rejects.toMatchObject(invalid);
    await shop.call("users.change", { id: user.id, disabled: false });

    await expect(refresh(refreshToken)).rejects.toMatchObject(invalid);
    expect(await shop.call("users.login", eva)).toMatchObject({ user: { disabled: false } });
  });

  test("a session that begins while its account is being disabled does not outlive that", async () => {
    const { user } = await register();
    const [signedIn] = await Promise.allSettled([
      shop.call("users.login", eva),
      shop.call("users.change", { id: user.id, disabled: true }),
    ]);
    await shop.call("users.change", { id: user.id, disabled: false });

    const token = signedIn.status === "fulfilled" ? signedIn.value.refreshToken : "none";
    await expect(refresh(token)).rejects.toMatchObject(invalid);
  });

  test("a new role shows with the next access token", async () => {
    const { user, refreshToken, accessToken } = await register();
    await shop.call("users.change", { id: user.id, role: "staff" });
    const next = await refresh(refreshToken);

    expect([accessToken, next.accessToken].map((token) => decodeJwt(token).role)).toEqual(["customer", "staff"]);
    expect(next.user.role).toBe("staff");
  });

  test("a session lives thirty days beyond its last use, and ninety at most", async () => {
    let { refreshToken } = await register();
    const days = (n: number) => {
      aheadMs += n * 86_400_000;
    };
    for (let n = 0; n < 4; n++) {
      days(20);
      ({ refreshToken } = await refresh(refreshToken));
    }
    days(11);

    await expect(refresh(refreshToken)).rejects.toMatchObject(invalid);
    const { refreshToken: unused } = await shop.call("users.login", eva);
    days(31);
    await expect(refresh(unused)).rejects.toMatchObject(invalid);
  });
});
