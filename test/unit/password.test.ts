import { commonPasswords } from "../../services/users/common.edge.ts";
import { readablePassword, refuseWeak, samePassword } from "../../services/users/password.ts";

const refusal = expect.objectContaining({
  type: "invalid_input",
  data: { errors: [{ path: "password", message: expect.any(String) }] },
});

describe("a password", () => {
  test.each(["password", "PassWord123", "12345678", "qwertyuiop", "contraseña", "contrasen\u0303a"])(
    "%s is refused as too common",
    (password) => {
      expect(() => refuseWeak(password, commonPasswords)).toThrow(refusal);
    },
  );

  test.each(["correct horse battery", "a".repeat(128), "🐟🦑🐙🦀🦐🐡🐠🐬", "        "])(
    "%s is taken: there is no rule of composition",
    (password) => {
      expect(() => refuseWeak(password, commonPasswords)).not.toThrow();
    },
  );

  test("is looked for among the three thousand most common ones, and more", () => {
    expect(commonPasswords.size).toBeGreaterThan(3_000);
    for (const password of commonPasswords) {
      expect(password).toBe(password.toLowerCase().normalize("NFC"));
      if (password) expect([...password].length).toBeGreaterThanOrEqual(8);
    }
  });

  test("counts its characters as they are compared", () => {
    expect(() => refuseWeak("e\u0301".repeat(4), commonPasswords)).toThrow(refusal);
    expect(samePassword("e\u0301".repeat(64))).toBe("é".repeat(64));
  });

  test("made up for somebody to type is long and has no look-alikes", () => {
    const made = readablePassword(Uint8Array.from({ length: 20 }, (_, index) => index * 13));

    expect(made).toMatch(/^([a-kmnp-z2-9]{5}-){3}[a-kmnp-z2-9]{5}$/);
  });
});
