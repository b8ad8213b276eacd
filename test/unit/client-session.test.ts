import { ConnectionError, Refusal, SignedOutError } from "../../sdk/src/errors.ts";
import { inMemory, Session, type Tokens } from "../../sdk/src/session.ts";

const tokens = (n: number, forMs = 600_000): Tokens => ({
  userId: "usr_ada",
  accessToken: `access ${n}`,
  refreshToken: `refresh ${n}`,
  expiresAt: Date.now() + forMs,
});
const user = {
  id: "usr_ada",
  email: "ada@example.com",
  name: "Ada",
  role: "customer" as const,
  disabled: false,
  createdAt: "2026-03-01T12:00:00.000Z",
  updatedAt: "2026-03-01T12:00:00.000Z",
  version: 1,
};
const answer = (n: number) => ({ user, accessToken: `access ${n}`, refreshToken: `refresh ${n}`, expiresIn: 600 });
const over = new Refusal({ code: "invalid_token", status: 401, type: "", title: "", detail: "", requestId: "" });

describe("a session", () => {
  const store = inMemory();
  let asked: string[];
  let refresh: (n: number) => Promise<ReturnType<typeof answer>>;
  let session: Session;

  beforeEach(() => {
    asked = [];
    refresh = async (n) => answer(n + 1);
    session = new Session(store, (refreshToken) => {
      asked.push(refreshToken);
      return refresh(Number(refreshToken.split(" ")[1]));
    });
  });

  test("that is good for a while is not renewed", async () => {
    await store.set(tokens(1));

    expect(await session.token("usr_ada", undefined)).toBe("access 1");
    expect(asked).toEqual([]);
  });

  test("that is about to end is renewed once for all who wait, and the store is told", async () => {
    await store.set(tokens(1, 10_000));
    const all = await Promise.all(Array.from({ length: 20 }, () => session.token("usr_ada", undefined)));

    expect(new Set(all)).toEqual(new Set(["access 2"]));
    expect(asked).toEqual(["refresh 1"]);
    expect(await store.get()).toMatchObject({ accessToken: "access 2", refreshToken: "refresh 2" });
  });

  test("whose token was refused is renewed, unless it was meanwhile", async () => {
    await store.set(tokens(2));

    expect(await session.token("usr_ada", "access 1")).toBe("access 2");
    expect(await session.token("usr_ada", "access 2")).toBe("access 3");
    expect(asked).toEqual(["refresh 2"]);
  });

  test("that another window has renewed goes on with what that one has kept", async () => {
    await store.set(tokens(1));
    await session.token("usr_ada", undefined);
    await store.set(tokens(5));

    expect(await session.token("usr_ada", "access 1")).toBe("access 5");
  });

  test("that the shop has ended is over", async () => {
    refresh = () => Promise.reject(over);
    await store.set(tokens(1, -1));

    await expect(session.token("usr_ada", undefined)).rejects.toThrow(SignedOutError);
    expect(await store.get()).toBeUndefined();
  });

  test("is not over because the shop is away: what is still good is used, and what is not is asked for again", async () => {
    refresh = () => Promise.reject(new ConnectionError("away"));
    await store.set(tokens(1, 10_000));
    expect(await session.token("usr_ada", undefined)).toBe("access 1");

    await store.set(tokens(1, -1));
    await expect(session.token("usr_ada", undefined)).rejects.toThrow(ConnectionError);
    expect(await store.get()).toMatchObject({ refreshToken: "refresh 1" });
  });

  test("of somebody else who signs in while it is renewed stays theirs", async () => {
    const eve = { ...tokens(9), userId: "usr_eve" };
    let signIn = () => {};
    refresh = async (n) => {
      await new Promise<void>((resolve) => (signIn = resolve));
      return answer(n + 1);
    };
    await store.set(tokens(1, -1));
    const waiting = session.token("usr_ada", undefined);
    while (asked.length === 0) await Promise.resolve();
    await store.set(eve);
    signIn();

    expect(await waiting).toBe("access 2");
    expect(await store.get()).toBe(eve);
    await expect(session.token("usr_ada", undefined)).rejects.toThrow(SignedOutError);
  });

  test("that is refused after somebody else has signed in does not sign them out", async () => {
    const eve = { ...tokens(9), userId: "usr_eve" };
    refresh = async () => {
      await store.set(eve);
      throw over;
    };
    await store.set(tokens(1, -1));

    await expect(session.token("usr_ada", undefined)).rejects.toThrow(SignedOutError);
    expect(await store.get()).toBe(eve);
  });

  test("each who waits has an error of their own", async () => {
    refresh = () => Promise.reject(new ConnectionError("away"));
    await store.set(tokens(1, -1));
    const [one, other] = await Promise.allSettled([1, 2].map(() => session.token("usr_ada", undefined)));

    expect((one as PromiseRejectedResult).reason).not.toBe((other as PromiseRejectedResult).reason);
  });
});

describe("who asks", () => {
  test("as a guest does not go on as the user who has signed in meanwhile", async () => {
    const store = inMemory();
    const session = new Session(store, () => Promise.reject(over));
    const guest = await session.visitor();
    await store.set(tokens(1));

    expect(await guest.token()).toBeUndefined();
    expect(guest.mayShowAnother(over)).toBe(false);
  });

  test("shows another token once, and again after one was taken", async () => {
    const store = inMemory();
    await store.set(tokens(1));
    const visitor = await new Session(store, async () => answer(2)).visitor();
    await visitor.token();

    expect([visitor.mayShowAnother(over), visitor.mayShowAnother(over)]).toEqual([true, false]);
    expect(await visitor.token()).toBe("access 2");
    visitor.isWelcome();
    expect(visitor.mayShowAnother(over)).toBe(true);
  });
});
