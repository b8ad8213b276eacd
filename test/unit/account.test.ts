import {
  type Account,
  changeStanding,
  openAccount,
  sameAddress,
  standing,
  userOf,
} from "../../services/users/account.ts";
import { ADMINS, type Admins, enlist } from "../../services/users/admins.ts";

const now = "2026-01-01T00:00:00.000Z";
const who = { id: "usr_eva", email: "Eva@Lonja.TEST", name: "Eva", role: "admin", password: "$argon2id$…" } as const;
const eva: Account = { version: 1, ...openAccount(who, now) };
const listing = (...ids: string[]): Admins => ({ id: ADMINS, version: 1, ids, firstId: "usr_eva" });

describe("an account", () => {
  test("shows nothing of its password", () => {
    expect(Object.keys(userOf(eva)).sort()).toEqual(
      ["createdAt", "disabled", "email", "id", "name", "role", "updatedAt", "version"].sort(),
    );
  });

  test.each([
    ["Eva@Lonja.TEST", "eva@lonja.test"],
    [" eva@lonja.test ", "eva@lonja.test"],
    ["\u212Aarl@lonja.test", "\u212Aarl@lonja.test"],
    ["İ@lonja.test", "İ@lonja.test"],
  ])("%s is kept as %s", (email, kept) => {
    expect(sameAddress(email)).toBe(kept);
  });

  test("is an admin's only while the list of admins says so", () => {
    expect(standing(eva, listing("usr_eva"))).toBe(eva);
    expect(standing(eva, listing("usr_ada"))).toMatchObject({ role: "staff", disabled: false });
    expect(standing({ ...eva, role: "customer", disabled: true }, listing("usr_eva"))).toEqual(eva);
  });

  test("begins a new epoch when it is disabled, and at no other change", () => {
    const disabled = changeStanding(eva, { disabled: true }, now);

    expect(disabled).toMatchObject({ disabled: true, epoch: 2 });
    expect(changeStanding(disabled, { disabled: true }, now)).toBe(disabled);
    expect(changeStanding(disabled, { disabled: false, role: "staff" }, now)).toMatchObject({ epoch: 2 });
  });
});

describe("the list of admins", () => {
  test("takes in who becomes an enabled admin, lets go who is none, and is left alone otherwise", () => {
    const both = enlist(listing("usr_ada"), eva);

    expect(both.ids).toEqual(["usr_ada", "usr_eva"]);
    expect(enlist(both, eva)).toBe(both);
    expect(enlist(both, { ...eva, disabled: true }).ids).toEqual(["usr_ada"]);
    expect(enlist(both, { ...eva, role: "staff" }).ids).toEqual(["usr_ada"]);
  });

  test("does not let go of the last one", () => {
    const last = () => enlist(listing("usr_eva"), { ...eva, role: "customer" });

    expect(last).toThrow(expect.objectContaining({ type: "invalid_state" }));
  });
});
