import { beginSession, expects, type KeptSession, rotate } from "../../services/users/session.ts";

const start = "2026-01-01T00:00:00.000Z";
const at = (ms: number) => new Date(Date.parse(start) + ms).toISOString();
const day = 86_400_000;
const session: KeptSession = {
  version: 1,
  ...beginSession({ id: "ses_1", userId: "usr_1", epoch: 1, digest: "first" }, start),
};

describe("a session", () => {
  test("takes each token once and then expects its successor", () => {
    const second = rotate(session, "first", "second", at(1000));
    const third = rotate(second, "second", "third", at(2000));

    expect([expects(second, "second"), expects(third, "third")]).toEqual([true, true]);
    expect(third).toMatchObject({ digest: "third", previousDigest: "second", rotatedAt: at(2000) });
  });

  test("gives the same successor again within ten seconds, and writes nothing for it", () => {
    const second = rotate(session, "first", "second", start);

    expect(rotate(second, "first", "second", at(10_000))).toBe(second);
    expect(rotate(second, "first", "second", at(10_001)).ended).toBe("reused");
  });

  test.each([
    ["a token from before the last one", "first"],
    ["a token of the family that never was", "made up"],
  ])("ends with %s", (_what, used) => {
    const third = rotate(rotate(session, "first", "second", at(1)), "second", "third", at(2));
    const ended = rotate(third, used, "x", at(3));

    expect(ended.ended).toBe("reused");
    expect(rotate(ended, "third", "fourth", at(4))).toBe(ended);
    expect(expects(ended, "third")).toBe(false);
  });

  test("ends after thirty days without use", () => {
    expect(rotate(session, "first", "second", at(30 * day - 1)).ended).toBeUndefined();
    expect(rotate(session, "first", "second", at(30 * day)).ended).toBe("expired");
  });

  test("ends after ninety days, however much it is used", () => {
    let now = session;
    for (let days = 20; days < 90; days += 20) now = rotate(now, now.digest, `${days}`, at(days * day));

    expect(now).toMatchObject({ digest: "80", dueAt: at(90 * day) });
    expect(rotate(now, "80", "x", at(90 * day)).ended).toBe("expired");
  });
});
